# Every library the project uses, found once. Targets are named distill::<library>.

find_program(CCACHE ccache)
if(CCACHE)
  # A precompiled header is only cached with this sloppiness; paths relative to the tree let another
  # clone share the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

find_package(Python3 COMPONENTS Interpreter REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
if(NOT DISTILL_FUZZ) # clang's own OpenMP would be a second one beside LibTorch's
  find_package(OpenMP REQUIRED COMPONENTS CXX)
endif()
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(sentencepiece REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)

add_library(distill::yaml ALIAS yaml-cpp)
add_library(distill::spdlog ALIAS spdlog::spdlog)
add_library(distill::json ALIAS nlohmann_json::nlohmann_json)
add_library(distill::cli11 ALIAS CLI11::CLI11)
add_library(distill::pcre2 ALIAS PkgConfig::pcre2)
add_library(distill::utf8proc ALIAS PkgConfig::utf8proc)
add_library(distill::sentencepiece ALIAS PkgConfig::sentencepiece)
add_library(distill::xxhash ALIAS PkgConfig::xxhash)
add_library(distill::zlib ALIAS PkgConfig::zlib)
add_library(distill::zstd ALIAS PkgConfig::zstd)

# LibTorch: the one of the wheel in .venv, or TORCH_ROOT. find_package(Torch) is not used, since it
# demands nvcc for a wheel built with CUDA.
set(TORCH_ROOT "$ENV{TORCH_ROOT}" CACHE PATH "A folder with LibTorch's include/ and lib/")
if(NOT TORCH_ROOT)
  file(GLOB _torch_candidates ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  list(APPEND _torch_candidates "")
  list(GET _torch_candidates 0 DISTILL_TORCH_ROOT)
else()
  set(DISTILL_TORCH_ROOT ${TORCH_ROOT})
endif()
if(NOT EXISTS "${DISTILL_TORCH_ROOT}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "LibTorch was not found in .venv or in TORCH_ROOT='${TORCH_ROOT}'. "
                      "Run scripts/setup, or set TORCH_ROOT to a folder that has lib/libtorch_cpu.so.")
endif()
add_library(distill_torch INTERFACE)
add_library(distill::torch ALIAS distill_torch)
target_include_directories(distill_torch SYSTEM INTERFACE
  ${DISTILL_TORCH_ROOT}/include ${DISTILL_TORCH_ROOT}/include/torch/csrc/api/include)
target_link_libraries(distill_torch INTERFACE
  ${DISTILL_TORCH_ROOT}/lib/libtorch_cpu.so ${DISTILL_TORCH_ROOT}/lib/libc10.so)
# at::parallel_for is serial without -fopenmp. The wheel brings the libgomp that LibTorch uses; two of
# them in one process would be two pools of threads.
target_compile_options(distill_torch INTERFACE ${OpenMP_CXX_FLAGS})
file(GLOB _torch_gomp ${DISTILL_TORCH_ROOT}/lib/libgomp*.so.1)
if(_torch_gomp)
  target_link_libraries(distill_torch INTERFACE ${_torch_gomp})
elseif(NOT DISTILL_FUZZ)
  target_link_libraries(distill_torch INTERFACE OpenMP::OpenMP_CXX)
endif()
set(CMAKE_BUILD_RPATH ${DISTILL_TORCH_ROOT}/lib)
