# SPDX-License-Identifier: MIT
"""What the scripts here have in common: cases that report in TAP, a folder to work in, runs of programs with devices."""
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

BDF = "0000:01:00.0"
MIB = 1 << 20
TIMEOUT = 120
IO_URING_SETUP = 425

UIOMMU = os.path.abspath(sys.argv[1])
WORK = pathlib.Path(tempfile.mkdtemp(prefix="uiommu-e2e-"))
RUNTIME = WORK / "runtime"
ENV = dict(os.environ, XDG_RUNTIME_DIR=str(RUNTIME), LC_ALL="C")
# A failure tells it; set, it repeats one.
SEED = int(os.environ.get("UIOMMU_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
# Whether this script is itself a program of a run.
INSIDE = "UIOMMU_RUN_DIR" in os.environ
_cases = []
_started = []  # in this case


class Skip(Exception):
    pass


def case(function):
    _cases.append(function)
    return function


def need_engine(aio):
    """Containers often forbid io_uring."""
    if aio != "uring":
        return
    ring = ctypes.CDLL(None, use_errno=True).syscall(IO_URING_SETUP, 1, ctypes.create_string_buffer(120))
    if ring < 0:
        raise Skip(f"io_uring: {os.strerror(ctypes.get_errno())}")
    os.close(ring)


def nvme(*images, bdf=BDF, **options):
    """A --device option: the images are the namespaces from 1 on."""
    keys = ["drive"] + [f"ns{number}" for number in range(2, len(images) + 1)]
    words = [f"{key}={str(image).replace(',', ',,')}" for key, image in zip(keys, images)]
    words += [f"bdf={bdf}"] + [f"{key}={value}" for key, value in options.items()]
    return ",".join(["nvme", *words])


def url(bdf=BDF, namespace=1):
    return f"nvme://{bdf}/{namespace}"


def start(devices, *program, options=(), env=None, **popen):
    """`uiommu run` of a program with devices, as a process of text streams. Without a list of devices: the program."""
    for stream in "stdin", "stdout", "stderr":
        popen.setdefault(stream, subprocess.DEVNULL if stream == "stdin" else subprocess.PIPE)
    popen.setdefault("start_new_session", True)
    arguments = [word for device in devices or () for word in ("--device", device)]
    command = [UIOMMU, "run", *map(str, options), *arguments, "--"] if devices is not None else []
    command += map(str, program)
    process = subprocess.Popen(command, cwd=WORK, env=dict(ENV, **(env or {})), text=True, **popen)
    _started.append(process)
    return process


def kill(process):
    """All of its processes, if it leads a session; it alone, if not."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()


def _end_started():
    """What a failed case has left running: it would be in the way of the next."""
    while _started:
        process = _started.pop()
        if process.poll() is not None:
            continue
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            kill(process)
            process.communicate()


def finish(process, text=None):
    """Return: status, standard output, standard error."""
    try:
        out, err = process.communicate(text, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    return process.returncode, out, err


def run(devices, *program, text=None, **options):
    if text is not None:
        options["stdin"] = subprocess.PIPE
    return finish(start(devices, *program, **options), text)


def run_ok(devices, *program, **options):
    """Return: standard output."""
    status, out, err = run(devices, *program, **options)
    assert status == 0, f"status {status} of {program}: {out[-2000:]}{err[-2000:]}"
    return out


def stats_of(devices, *program, **options):
    """A run that succeeds. Return: what was counted in all of its processes."""
    path = WORK / f"stats-{time.monotonic_ns()}.json"
    run_ok(devices, *program, options=["--stats=json", "--stats-file", path, *options.pop("options", ())], **options)
    return json.loads(path.read_text())["total"]


def without_run(*program, text=None):
    """A program on its own. Return: status, output of both streams."""
    process = subprocess.run([str(word) for word in program], cwd=WORK, env=ENV, input=text, text=True, timeout=TIMEOUT,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return process.returncode, process.stdout


def random_image(name, size):
    path = WORK / name
    with open(path, "wb") as file:
        for begin in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - begin)))
    return path


def empty_image(name, size):
    path = WORK / name
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def same(one, other):
    """Compares whole files."""
    with open(one, "rb") as a, open(other, "rb") as b:
        begin = 0
        while True:
            blocks = a.read(MIB), b.read(MIB)
            if blocks[0] != blocks[1]:
                raise AssertionError(f"{one} and {other} differ at {begin + difference(*blocks):#x}")
            if not blocks[0]:
                return
            begin += MIB


def difference(one, other):
    """Where two byte strings begin to differ."""
    common = min(len(one), len(other))
    return next((place for place in range(common) if one[place] != other[place]), common)


def wait_for(condition, what):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"timed out: {what}"
        time.sleep(0.002)


class Exerciser:
    """qemu-io that is fed with one command at a time through a pipe."""
    PROMPT = "qemu-io> "

    def __init__(self, devices, target, *arguments, **options):
        self.process = start(devices, "qemu-io", "-f", "raw", *arguments, target, stdin=subprocess.PIPE,
                             stderr=subprocess.STDOUT, **options)
        self.text = ""
        self.answer()

    def answer(self):
        """What is said up to the next prompt: the last command has ended then."""
        alarm = threading.Timer(TIMEOUT, kill, [self.process])
        alarm.start()
        try:
            while self.PROMPT not in self.text:
                more = os.read(self.process.stdout.fileno(), 65536).decode()
                if not more:
                    raise EOFError(self.text)
                self.text += more
        finally:
            alarm.cancel()
        answer, self.text = self.text.split(self.PROMPT, 1)
        return answer

    def send(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def do(self, command):
        self.send(command)
        return self.answer()

    def good(self, command):
        said = self.do(command)
        assert "failed" not in said and "rror" not in said, f"{command}: {said}"
        return said

    def kill(self):
        """The program, or with a run of its own, the whole run."""
        kill(self.process)
        finish(self.process)

    def end(self):
        """Return: exit status; 1 if any command has failed."""
        return finish(self.process, "quit\n")[0]


def _outcome(number, function):
    name = function.__name__.replace("_", " ")
    try:
        function()
        print(f"ok {number} - {name}", flush=True)
    except Skip as reason:
        print(f"ok {number} - {name} # SKIP {reason}", flush=True)
    except Exception:  # pylint: disable=broad-except
        print(f"not ok {number} - {name}")
        print("# " + traceback.format_exc().strip().replace("\n", "\n# "))
        print(f"# UIOMMU_TEST_SEED={SEED}", flush=True)
        return False
    finally:
        _end_started()
    return True


def no_run_left_anything_behind():
    left = [path.name for path in RUNTIME.iterdir()]
    assert not left, left


def _all_cases():
    good = [_outcome(number, function) for number, function in enumerate(_cases, 1)]
    print(f"1..{len(good)}", flush=True)
    return not all(good)


def _inside(devices):
    """This script once more, as the program of a run."""
    process = start(devices, sys.executable, "-B", os.path.abspath(sys.argv[0]), UIOMMU, *sys.argv[2:], stdout=None,
                    stderr=None)
    return process.wait()


def main(*tools, inside_of=None):
    """Runs every case; skips all where a tool isn't installed. @inside_of: makes a list of devices; cases are run as a
    program of a run with them. Ends the program."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        print(f"1..0 # SKIP {', '.join(missing)} isn't installed")
        sys.exit(0)
    RUNTIME.mkdir(mode=0o700)
    try:
        if inside_of and not INSIDE:
            status = _inside(inside_of())
        else:
            if not INSIDE:
                case(no_run_left_anything_behind)
            status = _all_cases()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    sys.exit(status)
