# The front door; the build itself is meson's, in build/ (and build-NAME/ for variants of it).
# NINJA_ARGS, MESON_ARGS, FUZZ_SECONDS, PREFIX (/usr/local) and DESTDIR may be set.
FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := all
.PHONY: all demo check bench fuzz coverage tsan asan format install clean

build/build.ninja:
	@command -v meson ninja >/dev/null || { echo "meson or ninja is missing: tools/bootstrap build installs both"; exit 1; }
	meson setup $(MESON_ARGS) build

all: build/build.ninja
	@ninja -C build $(NINJA_ARGS)

demo:
	@tools/bootstrap demo
	@tools/demo

check:
	@tools/bootstrap check
	@tools/check

bench:
	@tools/bootstrap bench
	@$(MAKE) --no-print-directory all
	@tools/bench build

fuzz:
	@tools/bootstrap fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz

coverage:
	@tools/bootstrap coverage
	@tools/coverage

tsan asan:
	@tools/bootstrap sanitize
	@tools/check --only=$@

format:
	@tools/bootstrap format
	@tools/sources | xargs clang-format -i

install: build/build.ninja
	$(if $(PREFIX),meson configure --prefix=$(PREFIX) build)
	@ninja -C build $(NINJA_ARGS)
	DESTDIR=$(DESTDIR) meson install --no-rebuild -C build

clean:
	rm -rf build build-*
