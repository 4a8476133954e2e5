# Builds the XDP objects, the bindings generated from their BTF, and dist/. Run through scripts/setup.sh.
CLANG ?= clang
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/; s/riscv64/riscv/')
TRIPLET := $(shell $(CC) -print-multiarch 2>/dev/null || gcc -print-multiarch)
# No sharing of stack slots between spilled registers: a number over half a spilled packet pointer is refused without
# CAP_PERFMON.
BPF_FLAGS := -O2 -g -std=gnu11 -target bpf -mcpu=v3 -mllvm -disable-ssc=true -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Werror \
	-Wno-unused-function -Wno-unused-parameter -Wno-address-of-packed-member -Ixdp-programs/include -I/usr/include/$(TRIPLET)

PROGRAMS := $(wildcard xdp-programs/*.bpf.c)
OBJECTS := $(PROGRAMS:xdp-programs/%.bpf.c=build/xdp/%.bpf.o)
FIXTURES := $(wildcard test/dataplane/fixtures/*.bpf.c)
FIXTURE_OBJECTS := $(FIXTURES:test/dataplane/fixtures/%.bpf.c=build/test/%.bpf.o)
HEADERS := $(shell find xdp-programs -name '*.h')
GENERATED := controlplane/bpf/generated/.stamp
SOURCES := $(shell find appliance controlplane monitoring test -name '*.ts' -not -path '*/generated/*' -not -path 'monitoring/page/*' -not -path '*/node_modules/*')

PAGE := $(shell find monitoring/page monitoring/live monitoring/events -type f)

all: dist/.stamp build/page/.stamp $(FIXTURE_OBJECTS)

build/xdp/%.bpf.o: xdp-programs/%.bpf.c $(HEADERS) scripts/build.mk
	@mkdir -p $(@D)
	@echo "▸ clang $<" >&2
	@$(CLANG) $(BPF_FLAGS) -c $< -o $@
	@llvm-strip -g $@

build/test/%.bpf.o: test/dataplane/fixtures/%.bpf.c $(HEADERS) scripts/build.mk
	@mkdir -p $(@D)
	@echo "▸ clang $<" >&2
	@$(CLANG) $(BPF_FLAGS) -c $< -o $@
	@llvm-strip -g $@

$(GENERATED): $(OBJECTS) $(shell find controlplane/bpf/codegen -name '*.ts' 2>/dev/null)
	@echo "▸ bindings from BTF" >&2
	@mkdir -p $(@D)
	@node --import tsx controlplane/bpf/codegen/main.ts build/xdp controlplane/bpf/generated
	@touch $@

dist/.stamp: $(GENERATED) $(SOURCES) tsconfig.json package.json
	@echo "▸ tsc" >&2
	@node_modules/.bin/tsc -p tsconfig.json
	@touch $@

build/page/.stamp: $(PAGE) scripts/build-page.mjs package.json
	@echo "▸ live page" >&2
	@node scripts/build-page.mjs
	@touch $@

.PHONY: all
