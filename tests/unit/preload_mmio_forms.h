/* SPDX-License-Identifier: MIT */
/* The instruction forms of preload_mmio.c. */
#ifndef TESTS_UNIT_PRELOAD_MMIO_FORMS_H
#define TESTS_UNIT_PRELOAD_MMIO_FORMS_H

/* clang-format off */
#define FORMS(F) \
	F("movb %al, (%rbx)", PLAIN, ANY) \
	F("movb (%rbx), %al", PLAIN, ANY) \
	F("movb $0x5a, 8(%rbx)", PLAIN, ANY) \
	F("movw %ax, (%rbx)", PLAIN, ANY) \
	F("movw (%rbx), %ax", PLAIN, ANY) \
	F("movw $0x5a, 8(%rbx)", PLAIN, ANY) \
	F("movl %eax, (%rbx)", PLAIN, ANY) \
	F("movl (%rbx), %eax", PLAIN, ANY) \
	F("movl $0x5a, 8(%rbx)", PLAIN, ANY) \
	F("movq %rax, (%rbx)", PLAIN, ANY) \
	F("movq (%rbx), %rax", PLAIN, ANY) \
	F("movq $0x5a, 8(%rbx)", PLAIN, ANY) \
	F("movb %ah, 3(%rbx)", PLAIN, ANY) \
	F("movb 3(%rbx), %ch", PLAIN, ANY) \
	F("movb (%rbx), %dil", PLAIN, ANY) \
	F("movb %r9b, (%rbx)", PLAIN, ANY) \
	F("movb (%rbx), %r15b", PLAIN, ANY) \
	F("movl %r14d, (%rbx)", PLAIN, ANY) \
	F("movq 16(%rbx), %r12", PLAIN, ANY) \
	F("movq $-2, (%rbx)", PLAIN, ANY) \
	F("movl (%rbx,%rcx,4), %edx", INDEX, ANY) \
	F("movw %dx, 8(%rbx,%rsi,2)", INDEX, ANY) \
	F("movzbw (%rbx), %dx", PLAIN, ANY) \
	F("movsbw (%rbx), %dx", PLAIN, ANY) \
	F("movzbl (%rbx), %edx", PLAIN, ANY) \
	F("movsbl (%rbx), %edx", PLAIN, ANY) \
	F("movzbq (%rbx), %rdx", PLAIN, ANY) \
	F("movsbq (%rbx), %rdx", PLAIN, ANY) \
	F("movzwl (%rbx), %edx", PLAIN, ANY) \
	F("movswl (%rbx), %edx", PLAIN, ANY) \
	F("movzwq (%rbx), %rdx", PLAIN, ANY) \
	F("movswq (%rbx), %rdx", PLAIN, ANY) \
	F("movslq (%rbx), %rdx", PLAIN, ANY) \
	F("movntil %eax, (%rbx)", PLAIN, ANY) \
	F("movntiq %rax, (%rbx)", PLAIN, ANY) \
	F("movbe %ax, (%rbx)", PLAIN, MOVBE) \
	F("movbe (%rbx), %ax", PLAIN, MOVBE) \
	F("movbe %eax, (%rbx)", PLAIN, MOVBE) \
	F("movbe (%rbx), %eax", PLAIN, MOVBE) \
	F("movbe %rax, (%rbx)", PLAIN, MOVBE) \
	F("movbe (%rbx), %rax", PLAIN, MOVBE) \
	F("addb %al, (%rbx)", PLAIN, ANY) \
	F("addb (%rbx), %al", PLAIN, ANY) \
	F("addb $-3, (%rbx)", PLAIN, ANY) \
	F("addw %ax, (%rbx)", PLAIN, ANY) \
	F("addw (%rbx), %ax", PLAIN, ANY) \
	F("addw $-3, (%rbx)", PLAIN, ANY) \
	F("addl %eax, (%rbx)", PLAIN, ANY) \
	F("addl (%rbx), %eax", PLAIN, ANY) \
	F("addl $-3, (%rbx)", PLAIN, ANY) \
	F("addq %rax, (%rbx)", PLAIN, ANY) \
	F("addq (%rbx), %rax", PLAIN, ANY) \
	F("addq $-3, (%rbx)", PLAIN, ANY) \
	F("adcb %al, (%rbx)", PLAIN, ANY) \
	F("adcb (%rbx), %al", PLAIN, ANY) \
	F("adcb $-3, (%rbx)", PLAIN, ANY) \
	F("adcw %ax, (%rbx)", PLAIN, ANY) \
	F("adcw (%rbx), %ax", PLAIN, ANY) \
	F("adcw $-3, (%rbx)", PLAIN, ANY) \
	F("adcl %eax, (%rbx)", PLAIN, ANY) \
	F("adcl (%rbx), %eax", PLAIN, ANY) \
	F("adcl $-3, (%rbx)", PLAIN, ANY) \
	F("adcq %rax, (%rbx)", PLAIN, ANY) \
	F("adcq (%rbx), %rax", PLAIN, ANY) \
	F("adcq $-3, (%rbx)", PLAIN, ANY) \
	F("subb %al, (%rbx)", PLAIN, ANY) \
	F("subb (%rbx), %al", PLAIN, ANY) \
	F("subb $-3, (%rbx)", PLAIN, ANY) \
	F("subw %ax, (%rbx)", PLAIN, ANY) \
	F("subw (%rbx), %ax", PLAIN, ANY) \
	F("subw $-3, (%rbx)", PLAIN, ANY) \
	F("subl %eax, (%rbx)", PLAIN, ANY) \
	F("subl (%rbx), %eax", PLAIN, ANY) \
	F("subl $-3, (%rbx)", PLAIN, ANY) \
	F("subq %rax, (%rbx)", PLAIN, ANY) \
	F("subq (%rbx), %rax", PLAIN, ANY) \
	F("subq $-3, (%rbx)", PLAIN, ANY) \
	F("sbbb %al, (%rbx)", PLAIN, ANY) \
	F("sbbb (%rbx), %al", PLAIN, ANY) \
	F("sbbb $-3, (%rbx)", PLAIN, ANY) \
	F("sbbw %ax, (%rbx)", PLAIN, ANY) \
	F("sbbw (%rbx), %ax", PLAIN, ANY) \
	F("sbbw $-3, (%rbx)", PLAIN, ANY) \
	F("sbbl %eax, (%rbx)", PLAIN, ANY) \
	F("sbbl (%rbx), %eax", PLAIN, ANY) \
	F("sbbl $-3, (%rbx)", PLAIN, ANY) \
	F("sbbq %rax, (%rbx)", PLAIN, ANY) \
	F("sbbq (%rbx), %rax", PLAIN, ANY) \
	F("sbbq $-3, (%rbx)", PLAIN, ANY) \
	F("andb %al, (%rbx)", PLAIN, ANY) \
	F("andb (%rbx), %al", PLAIN, ANY) \
	F("andb $-3, (%rbx)", PLAIN, ANY) \
	F("andw %ax, (%rbx)", PLAIN, ANY) \
	F("andw (%rbx), %ax", PLAIN, ANY) \
	F("andw $-3, (%rbx)", PLAIN, ANY) \
	F("andl %eax, (%rbx)", PLAIN, ANY) \
	F("andl (%rbx), %eax", PLAIN, ANY) \
	F("andl $-3, (%rbx)", PLAIN, ANY) \
	F("andq %rax, (%rbx)", PLAIN, ANY) \
	F("andq (%rbx), %rax", PLAIN, ANY) \
	F("andq $-3, (%rbx)", PLAIN, ANY) \
	F("orb %al, (%rbx)", PLAIN, ANY) \
	F("orb (%rbx), %al", PLAIN, ANY) \
	F("orb $-3, (%rbx)", PLAIN, ANY) \
	F("orw %ax, (%rbx)", PLAIN, ANY) \
	F("orw (%rbx), %ax", PLAIN, ANY) \
	F("orw $-3, (%rbx)", PLAIN, ANY) \
	F("orl %eax, (%rbx)", PLAIN, ANY) \
	F("orl (%rbx), %eax", PLAIN, ANY) \
	F("orl $-3, (%rbx)", PLAIN, ANY) \
	F("orq %rax, (%rbx)", PLAIN, ANY) \
	F("orq (%rbx), %rax", PLAIN, ANY) \
	F("orq $-3, (%rbx)", PLAIN, ANY) \
	F("xorb %al, (%rbx)", PLAIN, ANY) \
	F("xorb (%rbx), %al", PLAIN, ANY) \
	F("xorb $-3, (%rbx)", PLAIN, ANY) \
	F("xorw %ax, (%rbx)", PLAIN, ANY) \
	F("xorw (%rbx), %ax", PLAIN, ANY) \
	F("xorw $-3, (%rbx)", PLAIN, ANY) \
	F("xorl %eax, (%rbx)", PLAIN, ANY) \
	F("xorl (%rbx), %eax", PLAIN, ANY) \
	F("xorl $-3, (%rbx)", PLAIN, ANY) \
	F("xorq %rax, (%rbx)", PLAIN, ANY) \
	F("xorq (%rbx), %rax", PLAIN, ANY) \
	F("xorq $-3, (%rbx)", PLAIN, ANY) \
	F("cmpb %al, (%rbx)", PLAIN, ANY) \
	F("cmpb (%rbx), %al", PLAIN, ANY) \
	F("cmpb $-3, (%rbx)", PLAIN, ANY) \
	F("cmpw %ax, (%rbx)", PLAIN, ANY) \
	F("cmpw (%rbx), %ax", PLAIN, ANY) \
	F("cmpw $-3, (%rbx)", PLAIN, ANY) \
	F("cmpl %eax, (%rbx)", PLAIN, ANY) \
	F("cmpl (%rbx), %eax", PLAIN, ANY) \
	F("cmpl $-3, (%rbx)", PLAIN, ANY) \
	F("cmpq %rax, (%rbx)", PLAIN, ANY) \
	F("cmpq (%rbx), %rax", PLAIN, ANY) \
	F("cmpq $-3, (%rbx)", PLAIN, ANY) \
	F("lock addl %edx, (%rbx)", PLAIN, ANY) \
	F("lock orq $0x40, (%rbx)", PLAIN, ANY) \
	F("addl $0x12345678, (%rbx)", PLAIN, ANY) \
	F("testb %al, (%rbx)", PLAIN, ANY) \
	F("testb $0x41, (%rbx)", PLAIN, ANY) \
	F("incb (%rbx)", PLAIN, ANY) \
	F("decb (%rbx)", PLAIN, ANY) \
	F("negb (%rbx)", PLAIN, ANY) \
	F("notb (%rbx)", PLAIN, ANY) \
	F("shlb $3, (%rbx)", PLAIN, ANY) \
	F("shlb (%rbx)", PLAIN, ANY) \
	F("shlb %cl, (%rbx)", PLAIN, ANY) \
	F("shrb $3, (%rbx)", PLAIN, ANY) \
	F("shrb (%rbx)", PLAIN, ANY) \
	F("shrb %cl, (%rbx)", PLAIN, ANY) \
	F("sarb $3, (%rbx)", PLAIN, ANY) \
	F("sarb (%rbx)", PLAIN, ANY) \
	F("sarb %cl, (%rbx)", PLAIN, ANY) \
	F("rolb $3, (%rbx)", PLAIN, ANY) \
	F("rolb (%rbx)", PLAIN, ANY) \
	F("rolb %cl, (%rbx)", PLAIN, ANY) \
	F("rorb $3, (%rbx)", PLAIN, ANY) \
	F("rorb (%rbx)", PLAIN, ANY) \
	F("rorb %cl, (%rbx)", PLAIN, ANY) \
	F("rclb $3, (%rbx)", PLAIN, ANY) \
	F("rclb (%rbx)", PLAIN, ANY) \
	F("rclb %cl, (%rbx)", PLAIN, ANY) \
	F("rcrb $3, (%rbx)", PLAIN, ANY) \
	F("rcrb (%rbx)", PLAIN, ANY) \
	F("rcrb %cl, (%rbx)", PLAIN, ANY) \
	F("xchgb %al, (%rbx)", PLAIN, ANY) \
	F("xaddb %al, (%rbx)", PLAIN, ANY) \
	F("lock xaddb %al, (%rbx)", PLAIN, ANY) \
	F("lock cmpxchgb %dl, (%rbx)", PLAIN, ANY) \
	F("testw %ax, (%rbx)", PLAIN, ANY) \
	F("testw $0x41, (%rbx)", PLAIN, ANY) \
	F("incw (%rbx)", PLAIN, ANY) \
	F("decw (%rbx)", PLAIN, ANY) \
	F("negw (%rbx)", PLAIN, ANY) \
	F("notw (%rbx)", PLAIN, ANY) \
	F("shlw $3, (%rbx)", PLAIN, ANY) \
	F("shlw (%rbx)", PLAIN, ANY) \
	F("shlw %cl, (%rbx)", PLAIN, ANY) \
	F("shrw $3, (%rbx)", PLAIN, ANY) \
	F("shrw (%rbx)", PLAIN, ANY) \
	F("shrw %cl, (%rbx)", PLAIN, ANY) \
	F("sarw $3, (%rbx)", PLAIN, ANY) \
	F("sarw (%rbx)", PLAIN, ANY) \
	F("sarw %cl, (%rbx)", PLAIN, ANY) \
	F("rolw $3, (%rbx)", PLAIN, ANY) \
	F("rolw (%rbx)", PLAIN, ANY) \
	F("rolw %cl, (%rbx)", PLAIN, ANY) \
	F("rorw $3, (%rbx)", PLAIN, ANY) \
	F("rorw (%rbx)", PLAIN, ANY) \
	F("rorw %cl, (%rbx)", PLAIN, ANY) \
	F("rclw $3, (%rbx)", PLAIN, ANY) \
	F("rclw (%rbx)", PLAIN, ANY) \
	F("rclw %cl, (%rbx)", PLAIN, ANY) \
	F("rcrw $3, (%rbx)", PLAIN, ANY) \
	F("rcrw (%rbx)", PLAIN, ANY) \
	F("rcrw %cl, (%rbx)", PLAIN, ANY) \
	F("xchgw %ax, (%rbx)", PLAIN, ANY) \
	F("xaddw %ax, (%rbx)", PLAIN, ANY) \
	F("lock xaddw %ax, (%rbx)", PLAIN, ANY) \
	F("lock cmpxchgw %dx, (%rbx)", PLAIN, ANY) \
	F("testl %eax, (%rbx)", PLAIN, ANY) \
	F("testl $0x41, (%rbx)", PLAIN, ANY) \
	F("incl (%rbx)", PLAIN, ANY) \
	F("decl (%rbx)", PLAIN, ANY) \
	F("negl (%rbx)", PLAIN, ANY) \
	F("notl (%rbx)", PLAIN, ANY) \
	F("shll $3, (%rbx)", PLAIN, ANY) \
	F("shll (%rbx)", PLAIN, ANY) \
	F("shll %cl, (%rbx)", PLAIN, ANY) \
	F("shrl $3, (%rbx)", PLAIN, ANY) \
	F("shrl (%rbx)", PLAIN, ANY) \
	F("shrl %cl, (%rbx)", PLAIN, ANY) \
	F("sarl $3, (%rbx)", PLAIN, ANY) \
	F("sarl (%rbx)", PLAIN, ANY) \
	F("sarl %cl, (%rbx)", PLAIN, ANY) \
	F("roll $3, (%rbx)", PLAIN, ANY) \
	F("roll (%rbx)", PLAIN, ANY) \
	F("roll %cl, (%rbx)", PLAIN, ANY) \
	F("rorl $3, (%rbx)", PLAIN, ANY) \
	F("rorl (%rbx)", PLAIN, ANY) \
	F("rorl %cl, (%rbx)", PLAIN, ANY) \
	F("rcll $3, (%rbx)", PLAIN, ANY) \
	F("rcll (%rbx)", PLAIN, ANY) \
	F("rcll %cl, (%rbx)", PLAIN, ANY) \
	F("rcrl $3, (%rbx)", PLAIN, ANY) \
	F("rcrl (%rbx)", PLAIN, ANY) \
	F("rcrl %cl, (%rbx)", PLAIN, ANY) \
	F("xchgl %eax, (%rbx)", PLAIN, ANY) \
	F("xaddl %eax, (%rbx)", PLAIN, ANY) \
	F("lock xaddl %eax, (%rbx)", PLAIN, ANY) \
	F("lock cmpxchgl %edx, (%rbx)", PLAIN, ANY) \
	F("testq %rax, (%rbx)", PLAIN, ANY) \
	F("testq $0x41, (%rbx)", PLAIN, ANY) \
	F("incq (%rbx)", PLAIN, ANY) \
	F("decq (%rbx)", PLAIN, ANY) \
	F("negq (%rbx)", PLAIN, ANY) \
	F("notq (%rbx)", PLAIN, ANY) \
	F("shlq $3, (%rbx)", PLAIN, ANY) \
	F("shlq (%rbx)", PLAIN, ANY) \
	F("shlq %cl, (%rbx)", PLAIN, ANY) \
	F("shrq $3, (%rbx)", PLAIN, ANY) \
	F("shrq (%rbx)", PLAIN, ANY) \
	F("shrq %cl, (%rbx)", PLAIN, ANY) \
	F("sarq $3, (%rbx)", PLAIN, ANY) \
	F("sarq (%rbx)", PLAIN, ANY) \
	F("sarq %cl, (%rbx)", PLAIN, ANY) \
	F("rolq $3, (%rbx)", PLAIN, ANY) \
	F("rolq (%rbx)", PLAIN, ANY) \
	F("rolq %cl, (%rbx)", PLAIN, ANY) \
	F("rorq $3, (%rbx)", PLAIN, ANY) \
	F("rorq (%rbx)", PLAIN, ANY) \
	F("rorq %cl, (%rbx)", PLAIN, ANY) \
	F("rclq $3, (%rbx)", PLAIN, ANY) \
	F("rclq (%rbx)", PLAIN, ANY) \
	F("rclq %cl, (%rbx)", PLAIN, ANY) \
	F("rcrq $3, (%rbx)", PLAIN, ANY) \
	F("rcrq (%rbx)", PLAIN, ANY) \
	F("rcrq %cl, (%rbx)", PLAIN, ANY) \
	F("xchgq %rax, (%rbx)", PLAIN, ANY) \
	F("xaddq %rax, (%rbx)", PLAIN, ANY) \
	F("lock xaddq %rax, (%rbx)", PLAIN, ANY) \
	F("lock cmpxchgq %rdx, (%rbx)", PLAIN, ANY) \
	F("btw $5, (%rbx)", PLAIN, ANY) \
	F("btw %cx, (%rbx)", INDEX, ANY) \
	F("btsw $5, (%rbx)", PLAIN, ANY) \
	F("btsw %cx, (%rbx)", INDEX, ANY) \
	F("btrw $5, (%rbx)", PLAIN, ANY) \
	F("btrw %cx, (%rbx)", INDEX, ANY) \
	F("btcw $5, (%rbx)", PLAIN, ANY) \
	F("btcw %cx, (%rbx)", INDEX, ANY) \
	F("imulw (%rbx), %cx", PLAIN, ANY) \
	F("imulw $77, (%rbx), %cx", PLAIN, ANY) \
	F("btl $5, (%rbx)", PLAIN, ANY) \
	F("btl %ecx, (%rbx)", INDEX, ANY) \
	F("btsl $5, (%rbx)", PLAIN, ANY) \
	F("btsl %ecx, (%rbx)", INDEX, ANY) \
	F("btrl $5, (%rbx)", PLAIN, ANY) \
	F("btrl %ecx, (%rbx)", INDEX, ANY) \
	F("btcl $5, (%rbx)", PLAIN, ANY) \
	F("btcl %ecx, (%rbx)", INDEX, ANY) \
	F("imull (%rbx), %ecx", PLAIN, ANY) \
	F("imull $77, (%rbx), %ecx", PLAIN, ANY) \
	F("btq $5, (%rbx)", PLAIN, ANY) \
	F("btq %rcx, (%rbx)", INDEX, ANY) \
	F("btsq $5, (%rbx)", PLAIN, ANY) \
	F("btsq %rcx, (%rbx)", INDEX, ANY) \
	F("btrq $5, (%rbx)", PLAIN, ANY) \
	F("btrq %rcx, (%rbx)", INDEX, ANY) \
	F("btcq $5, (%rbx)", PLAIN, ANY) \
	F("btcq %rcx, (%rbx)", INDEX, ANY) \
	F("imulq (%rbx), %rcx", PLAIN, ANY) \
	F("imulq $77, (%rbx), %rcx", PLAIN, ANY) \
	F("cmovo (%rbx), %edx", PLAIN, ANY) \
	F("seto (%rbx)", PLAIN, ANY) \
	F("cmovno (%rbx), %edx", PLAIN, ANY) \
	F("setno (%rbx)", PLAIN, ANY) \
	F("cmovb (%rbx), %edx", PLAIN, ANY) \
	F("setb (%rbx)", PLAIN, ANY) \
	F("cmovae (%rbx), %edx", PLAIN, ANY) \
	F("setae (%rbx)", PLAIN, ANY) \
	F("cmove (%rbx), %edx", PLAIN, ANY) \
	F("sete (%rbx)", PLAIN, ANY) \
	F("cmovne (%rbx), %edx", PLAIN, ANY) \
	F("setne (%rbx)", PLAIN, ANY) \
	F("cmovbe (%rbx), %edx", PLAIN, ANY) \
	F("setbe (%rbx)", PLAIN, ANY) \
	F("cmova (%rbx), %edx", PLAIN, ANY) \
	F("seta (%rbx)", PLAIN, ANY) \
	F("cmovs (%rbx), %edx", PLAIN, ANY) \
	F("sets (%rbx)", PLAIN, ANY) \
	F("cmovns (%rbx), %edx", PLAIN, ANY) \
	F("setns (%rbx)", PLAIN, ANY) \
	F("cmovp (%rbx), %edx", PLAIN, ANY) \
	F("setp (%rbx)", PLAIN, ANY) \
	F("cmovnp (%rbx), %edx", PLAIN, ANY) \
	F("setnp (%rbx)", PLAIN, ANY) \
	F("cmovl (%rbx), %edx", PLAIN, ANY) \
	F("setl (%rbx)", PLAIN, ANY) \
	F("cmovge (%rbx), %edx", PLAIN, ANY) \
	F("setge (%rbx)", PLAIN, ANY) \
	F("cmovle (%rbx), %edx", PLAIN, ANY) \
	F("setle (%rbx)", PLAIN, ANY) \
	F("cmovg (%rbx), %edx", PLAIN, ANY) \
	F("setg (%rbx)", PLAIN, ANY) \
	F("cmovew (%rbx), %dx", PLAIN, ANY) \
	F("cmovneq (%rbx), %rdx", PLAIN, ANY) \
	F("movsb", TO_REGS, ANY) \
	F("rep movsb", TO_REGS, ANY) \
	F("movsb", FROM_REGS, ANY) \
	F("rep movsb", FROM_REGS, ANY) \
	F("movsb", REGS_REGS, ANY) \
	F("rep movsb", REGS_REGS, ANY) \
	F("movsb", EDGE, ANY) \
	F("rep movsb", EDGE, ANY) \
	F("stosb", TO_REGS, ANY) \
	F("rep stosb", TO_REGS, ANY) \
	F("rep stosb", EDGE, ANY) \
	F("lodsb", FROM_REGS, ANY) \
	F("rep lodsb", FROM_REGS, ANY) \
	F("cmpsb", TO_REGS, ANY) \
	F("repe cmpsb", TO_REGS, ANY) \
	F("repne cmpsb", TO_REGS, ANY) \
	F("cmpsb", FROM_REGS, ANY) \
	F("repe cmpsb", FROM_REGS, ANY) \
	F("repne cmpsb", FROM_REGS, ANY) \
	F("cmpsb", REGS_REGS, ANY) \
	F("repe cmpsb", REGS_REGS, ANY) \
	F("repne cmpsb", REGS_REGS, ANY) \
	F("scasb", TO_REGS, ANY) \
	F("repe scasb", TO_REGS, ANY) \
	F("repne scasb", TO_REGS, ANY) \
	F("movsw", TO_REGS, ANY) \
	F("rep movsw", TO_REGS, ANY) \
	F("movsw", FROM_REGS, ANY) \
	F("rep movsw", FROM_REGS, ANY) \
	F("movsw", REGS_REGS, ANY) \
	F("rep movsw", REGS_REGS, ANY) \
	F("movsw", EDGE, ANY) \
	F("rep movsw", EDGE, ANY) \
	F("stosw", TO_REGS, ANY) \
	F("rep stosw", TO_REGS, ANY) \
	F("rep stosw", EDGE, ANY) \
	F("lodsw", FROM_REGS, ANY) \
	F("rep lodsw", FROM_REGS, ANY) \
	F("cmpsw", TO_REGS, ANY) \
	F("repe cmpsw", TO_REGS, ANY) \
	F("repne cmpsw", TO_REGS, ANY) \
	F("cmpsw", FROM_REGS, ANY) \
	F("repe cmpsw", FROM_REGS, ANY) \
	F("repne cmpsw", FROM_REGS, ANY) \
	F("cmpsw", REGS_REGS, ANY) \
	F("repe cmpsw", REGS_REGS, ANY) \
	F("repne cmpsw", REGS_REGS, ANY) \
	F("scasw", TO_REGS, ANY) \
	F("repe scasw", TO_REGS, ANY) \
	F("repne scasw", TO_REGS, ANY) \
	F("movsl", TO_REGS, ANY) \
	F("rep movsl", TO_REGS, ANY) \
	F("movsl", FROM_REGS, ANY) \
	F("rep movsl", FROM_REGS, ANY) \
	F("movsl", REGS_REGS, ANY) \
	F("rep movsl", REGS_REGS, ANY) \
	F("movsl", EDGE, ANY) \
	F("rep movsl", EDGE, ANY) \
	F("stosl", TO_REGS, ANY) \
	F("rep stosl", TO_REGS, ANY) \
	F("rep stosl", EDGE, ANY) \
	F("lodsl", FROM_REGS, ANY) \
	F("rep lodsl", FROM_REGS, ANY) \
	F("cmpsl", TO_REGS, ANY) \
	F("repe cmpsl", TO_REGS, ANY) \
	F("repne cmpsl", TO_REGS, ANY) \
	F("cmpsl", FROM_REGS, ANY) \
	F("repe cmpsl", FROM_REGS, ANY) \
	F("repne cmpsl", FROM_REGS, ANY) \
	F("cmpsl", REGS_REGS, ANY) \
	F("repe cmpsl", REGS_REGS, ANY) \
	F("repne cmpsl", REGS_REGS, ANY) \
	F("scasl", TO_REGS, ANY) \
	F("repe scasl", TO_REGS, ANY) \
	F("repne scasl", TO_REGS, ANY) \
	F("movsq", TO_REGS, ANY) \
	F("rep movsq", TO_REGS, ANY) \
	F("movsq", FROM_REGS, ANY) \
	F("rep movsq", FROM_REGS, ANY) \
	F("movsq", REGS_REGS, ANY) \
	F("rep movsq", REGS_REGS, ANY) \
	F("movsq", EDGE, ANY) \
	F("rep movsq", EDGE, ANY) \
	F("stosq", TO_REGS, ANY) \
	F("rep stosq", TO_REGS, ANY) \
	F("rep stosq", EDGE, ANY) \
	F("lodsq", FROM_REGS, ANY) \
	F("rep lodsq", FROM_REGS, ANY) \
	F("cmpsq", TO_REGS, ANY) \
	F("repe cmpsq", TO_REGS, ANY) \
	F("repne cmpsq", TO_REGS, ANY) \
	F("cmpsq", FROM_REGS, ANY) \
	F("repe cmpsq", FROM_REGS, ANY) \
	F("repne cmpsq", FROM_REGS, ANY) \
	F("cmpsq", REGS_REGS, ANY) \
	F("repe cmpsq", REGS_REGS, ANY) \
	F("repne cmpsq", REGS_REGS, ANY) \
	F("scasq", TO_REGS, ANY) \
	F("repe scasq", TO_REGS, ANY) \
	F("repne scasq", TO_REGS, ANY) \
	F("movups (%rbx), %xmm1", PLAIN, ANY) \
	F("movups %xmm1, 16(%rbx)", PLAIN, ANY) \
	F("vmovups (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovups %xmm1, 64(%rbx)", PLAIN, AVX) \
	F("vmovups (%rbx), %ymm1", PLAIN, AVX) \
	F("vmovups %ymm1, 64(%rbx)", PLAIN, AVX) \
	F("movupd (%rbx), %xmm1", PLAIN, ANY) \
	F("movupd %xmm1, 16(%rbx)", PLAIN, ANY) \
	F("vmovupd (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovupd %xmm1, 64(%rbx)", PLAIN, AVX) \
	F("vmovupd (%rbx), %ymm1", PLAIN, AVX) \
	F("vmovupd %ymm1, 64(%rbx)", PLAIN, AVX) \
	F("movdqu (%rbx), %xmm1", PLAIN, ANY) \
	F("movdqu %xmm1, 16(%rbx)", PLAIN, ANY) \
	F("vmovdqu (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovdqu %xmm1, 64(%rbx)", PLAIN, AVX) \
	F("vmovdqu (%rbx), %ymm1", PLAIN, AVX) \
	F("vmovdqu %ymm1, 64(%rbx)", PLAIN, AVX) \
	F("movaps (%rbx), %xmm1", PLAIN, ANY) \
	F("movaps %xmm1, 16(%rbx)", PLAIN, ANY) \
	F("vmovaps (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovaps %xmm1, 64(%rbx)", PLAIN, AVX) \
	F("vmovaps (%rbx), %ymm1", PLAIN, AVX) \
	F("vmovaps %ymm1, 64(%rbx)", PLAIN, AVX) \
	F("movapd (%rbx), %xmm1", PLAIN, ANY) \
	F("movapd %xmm1, 16(%rbx)", PLAIN, ANY) \
	F("vmovapd (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovapd %xmm1, 64(%rbx)", PLAIN, AVX) \
	F("vmovapd (%rbx), %ymm1", PLAIN, AVX) \
	F("vmovapd %ymm1, 64(%rbx)", PLAIN, AVX) \
	F("movdqa (%rbx), %xmm1", PLAIN, ANY) \
	F("movdqa %xmm1, 16(%rbx)", PLAIN, ANY) \
	F("vmovdqa (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovdqa %xmm1, 64(%rbx)", PLAIN, AVX) \
	F("vmovdqa (%rbx), %ymm1", PLAIN, AVX) \
	F("vmovdqa %ymm1, 64(%rbx)", PLAIN, AVX) \
	F("lddqu (%rbx), %xmm2", PLAIN, ANY) \
	F("vlddqu (%rbx), %ymm2", PLAIN, AVX) \
	F("movups %xmm1, 3(%rbx)", PLAIN, ANY) \
	F("movntps %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovntps %xmm1, (%rbx)", PLAIN, AVX) \
	F("vmovntps %ymm1, (%rbx)", PLAIN, AVX) \
	F("vmovntps %zmm1, (%rbx)", PLAIN, AVX512) \
	F("movntpd %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovntpd %xmm1, (%rbx)", PLAIN, AVX) \
	F("vmovntpd %ymm1, (%rbx)", PLAIN, AVX) \
	F("vmovntpd %zmm1, (%rbx)", PLAIN, AVX512) \
	F("movntdq %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovntdq %xmm1, (%rbx)", PLAIN, AVX) \
	F("vmovntdq %ymm1, (%rbx)", PLAIN, AVX) \
	F("vmovntdq %zmm1, (%rbx)", PLAIN, AVX512) \
	F("movntdqa (%rbx), %xmm3", PLAIN, ANY) \
	F("vmovntdqa (%rbx), %ymm3", PLAIN, AVX2) \
	F("vmovntdqa (%rbx), %zmm3", PLAIN, AVX512) \
	F("movd (%rbx), %xmm1", PLAIN, ANY) \
	F("movd %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovd (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovd %xmm1, (%rbx)", PLAIN, AVX) \
	F("movq (%rbx), %xmm1", PLAIN, ANY) \
	F("movq %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovq (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovq %xmm1, (%rbx)", PLAIN, AVX) \
	F("movss (%rbx), %xmm1", PLAIN, ANY) \
	F("movss %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovss (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovss %xmm1, (%rbx)", PLAIN, AVX) \
	F("movsd (%rbx), %xmm1", PLAIN, ANY) \
	F("movsd %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovsd (%rbx), %xmm1", PLAIN, AVX) \
	F("vmovsd %xmm1, (%rbx)", PLAIN, AVX) \
	F("movlps (%rbx), %xmm1", PLAIN, ANY) \
	F("movlps %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovlps (%rbx), %xmm2, %xmm1", PLAIN, AVX) \
	F("vmovlps %xmm1, (%rbx)", PLAIN, AVX) \
	F("movhps (%rbx), %xmm1", PLAIN, ANY) \
	F("movhps %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovhps (%rbx), %xmm2, %xmm1", PLAIN, AVX) \
	F("vmovhps %xmm1, (%rbx)", PLAIN, AVX) \
	F("movlpd (%rbx), %xmm1", PLAIN, ANY) \
	F("movlpd %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovlpd (%rbx), %xmm2, %xmm1", PLAIN, AVX) \
	F("vmovlpd %xmm1, (%rbx)", PLAIN, AVX) \
	F("movhpd (%rbx), %xmm1", PLAIN, ANY) \
	F("movhpd %xmm1, (%rbx)", PLAIN, ANY) \
	F("vmovhpd (%rbx), %xmm2, %xmm1", PLAIN, AVX) \
	F("vmovhpd %xmm1, (%rbx)", PLAIN, AVX) \
	F("vmovdqu8 (%rbx), %xmm1", PLAIN, AVX512) \
	F("vmovdqu8 %xmm1, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu8 (%rbx), %ymm2", PLAIN, AVX512) \
	F("vmovdqu8 %ymm2, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu8 (%rbx), %zmm3", PLAIN, AVX512) \
	F("vmovdqu8 %zmm3, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu8 (%rbx), %xmm17", PLAIN, AVX512) \
	F("vmovdqu8 %xmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu8 (%rbx), %ymm17", PLAIN, AVX512) \
	F("vmovdqu8 %ymm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu8 (%rbx), %zmm17", PLAIN, AVX512) \
	F("vmovdqu8 %zmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu16 (%rbx), %xmm1", PLAIN, AVX512) \
	F("vmovdqu16 %xmm1, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu16 (%rbx), %ymm2", PLAIN, AVX512) \
	F("vmovdqu16 %ymm2, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu16 (%rbx), %zmm3", PLAIN, AVX512) \
	F("vmovdqu16 %zmm3, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu16 (%rbx), %xmm17", PLAIN, AVX512) \
	F("vmovdqu16 %xmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu16 (%rbx), %ymm17", PLAIN, AVX512) \
	F("vmovdqu16 %ymm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu16 (%rbx), %zmm17", PLAIN, AVX512) \
	F("vmovdqu16 %zmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu32 (%rbx), %xmm1", PLAIN, AVX512) \
	F("vmovdqu32 %xmm1, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu32 (%rbx), %ymm2", PLAIN, AVX512) \
	F("vmovdqu32 %ymm2, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu32 (%rbx), %zmm3", PLAIN, AVX512) \
	F("vmovdqu32 %zmm3, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu32 (%rbx), %xmm17", PLAIN, AVX512) \
	F("vmovdqu32 %xmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu32 (%rbx), %ymm17", PLAIN, AVX512) \
	F("vmovdqu32 %ymm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu32 (%rbx), %zmm17", PLAIN, AVX512) \
	F("vmovdqu32 %zmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu64 (%rbx), %xmm1", PLAIN, AVX512) \
	F("vmovdqu64 %xmm1, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu64 (%rbx), %ymm2", PLAIN, AVX512) \
	F("vmovdqu64 %ymm2, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu64 (%rbx), %zmm3", PLAIN, AVX512) \
	F("vmovdqu64 %zmm3, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu64 (%rbx), %xmm17", PLAIN, AVX512) \
	F("vmovdqu64 %xmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu64 (%rbx), %ymm17", PLAIN, AVX512) \
	F("vmovdqu64 %ymm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqu64 (%rbx), %zmm17", PLAIN, AVX512) \
	F("vmovdqu64 %zmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa32 (%rbx), %xmm1", PLAIN, AVX512) \
	F("vmovdqa32 %xmm1, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa32 (%rbx), %ymm2", PLAIN, AVX512) \
	F("vmovdqa32 %ymm2, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa32 (%rbx), %zmm3", PLAIN, AVX512) \
	F("vmovdqa32 %zmm3, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa32 (%rbx), %xmm17", PLAIN, AVX512) \
	F("vmovdqa32 %xmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa32 (%rbx), %ymm17", PLAIN, AVX512) \
	F("vmovdqa32 %ymm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa32 (%rbx), %zmm17", PLAIN, AVX512) \
	F("vmovdqa32 %zmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa64 (%rbx), %xmm1", PLAIN, AVX512) \
	F("vmovdqa64 %xmm1, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa64 (%rbx), %ymm2", PLAIN, AVX512) \
	F("vmovdqa64 %ymm2, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa64 (%rbx), %zmm3", PLAIN, AVX512) \
	F("vmovdqa64 %zmm3, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa64 (%rbx), %xmm17", PLAIN, AVX512) \
	F("vmovdqa64 %xmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa64 (%rbx), %ymm17", PLAIN, AVX512) \
	F("vmovdqa64 %ymm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovdqa64 (%rbx), %zmm17", PLAIN, AVX512) \
	F("vmovdqa64 %zmm17, 64(%rbx)", PLAIN, AVX512) \
	F("vmovups 128(%rbx), %zmm17", PLAIN, AVX512) \
	F("vmovups %zmm17, (%rbx)", PLAIN, AVX512) \
	F("vmovapd 128(%rbx), %zmm17", PLAIN, AVX512) \
	F("vmovapd %zmm17, (%rbx)", PLAIN, AVX512) \
	F("vmovd (%rbx), %xmm17", PLAIN, AVX512) \
	F("vmovq %xmm17, (%rbx)", PLAIN, AVX512) \
	F("vmovss (%rbx), %xmm17", PLAIN, AVX512) \
	F("vmovhps (%rbx), %xmm1, %xmm17", PLAIN, AVX512) \
	F("vpbroadcastb (%rbx), %xmm2", PLAIN, AVX2) \
	F("vpbroadcastb (%rbx), %ymm2", PLAIN, AVX2) \
	F("vpbroadcastw (%rbx), %xmm2", PLAIN, AVX2) \
	F("vpbroadcastw (%rbx), %ymm2", PLAIN, AVX2) \
	F("vpbroadcastd (%rbx), %xmm2", PLAIN, AVX2) \
	F("vpbroadcastd (%rbx), %ymm2", PLAIN, AVX2) \
	F("vpbroadcastq (%rbx), %xmm2", PLAIN, AVX2) \
	F("vpbroadcastq (%rbx), %ymm2", PLAIN, AVX2) \
	F("vbroadcastss (%rbx), %xmm2", PLAIN, AVX) \
	F("vbroadcastss (%rbx), %ymm2", PLAIN, AVX) \
	F("vbroadcastsd (%rbx), %ymm2", PLAIN, AVX) \
	F("vbroadcastf128 (%rbx), %ymm2", PLAIN, AVX) \
	F("vbroadcasti128 (%rbx), %ymm2", PLAIN, AVX2) \
	F("vpbroadcastd (%rbx), %zmm17", PLAIN, AVX512) \
	F("vpbroadcastq (%rbx), %zmm2", PLAIN, AVX512) \
	F("pinsrb $11, (%rbx), %xmm1", PLAIN, ANY) \
	F("pextrb $11, %xmm1, (%rbx)", PLAIN, ANY) \
	F("vpinsrb $11, (%rbx), %xmm2, %xmm1", PLAIN, AVX) \
	F("vpextrb $11, %xmm1, (%rbx)", PLAIN, AVX) \
	F("pinsrw $5, (%rbx), %xmm1", PLAIN, ANY) \
	F("pextrw $5, %xmm1, (%rbx)", PLAIN, ANY) \
	F("vpinsrw $5, (%rbx), %xmm2, %xmm1", PLAIN, AVX) \
	F("vpextrw $5, %xmm1, (%rbx)", PLAIN, AVX) \
	F("pinsrd $3, (%rbx), %xmm1", PLAIN, ANY) \
	F("pextrd $3, %xmm1, (%rbx)", PLAIN, ANY) \
	F("vpinsrd $3, (%rbx), %xmm2, %xmm1", PLAIN, AVX) \
	F("vpextrd $3, %xmm1, (%rbx)", PLAIN, AVX) \
	F("pinsrq $1, (%rbx), %xmm1", PLAIN, ANY) \
	F("pextrq $1, %xmm1, (%rbx)", PLAIN, ANY) \
	F("vpinsrq $1, (%rbx), %xmm2, %xmm1", PLAIN, AVX) \
	F("vpextrq $1, %xmm1, (%rbx)", PLAIN, AVX)
/* clang-format on */

/* The code of each begins at a multiple of 32 bytes, in the order of the list. */
#define FORM_CODE(text, layout, needs) ".p2align 5, 0xcc\n\t" text "\n\tret\n"
__asm__(".text\n.p2align 5\nform_code:\n" FORMS(FORM_CODE) ".p2align 5\n");
extern const uint8_t form_code[];

static const struct form forms[] = {
#define FORM_ROW(text, layout, needs) { text, layout, needs },
	FORMS(FORM_ROW)
};

static const void *code_of(const struct form *form)
{
	return form_code + 32 * (form - forms);
}

#endif
