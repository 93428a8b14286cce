# The library of own CUDA kernels, which the program opens where there is a GPU: nothing links it.
# Needs nvcc; DISTILL_CUDA is off by default, since everything else is built without.
option(DISTILL_CUDA "Build the CUDA kernels" OFF)
if(NOT DISTILL_CUDA)
  return()
endif()

include(CheckLanguage)
if(NOT CMAKE_CUDA_COMPILER AND EXISTS /usr/local/cuda/bin/nvcc)
  set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
endif()
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "DISTILL_CUDA needs nvcc: install the CUDA 13.0 toolkit, or set CMAKE_CUDA_COMPILER")
endif()
set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 120-real 120-virtual CACHE STRING "What nvcc compiles for")
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know nvcc 13's
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
set(CMAKE_CUDA_STANDARD 20)

file(GLOB cuda_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/ops/cuda/*.cu)
add_library(distill_cuda SHARED ${cuda_sources})
target_include_directories(distill_cuda PRIVATE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_include_directories(distill_cuda SYSTEM PRIVATE ${DISTILL_TORCH_ROOT}/include)
target_link_libraries(distill_cuda PRIVATE
  ${DISTILL_TORCH_ROOT}/lib/libc10_cuda.so ${DISTILL_TORCH_ROOT}/lib/libc10.so)
# -ftz: an exponential that is no normal number may be zero, for an instruction instead of four.
# -Xptxas -v prints each kernel's registers and spills.
target_compile_options(distill_cuda PRIVATE
  --expt-relaxed-constexpr -ftz=true -Xcompiler -Wall -Xptxas -v)
set_target_properties(distill_cuda PROPERTIES CUDA_RUNTIME_LIBRARY Shared)
# Programs look for it beside themselves and in the build's folder.
list(APPEND CMAKE_BUILD_RPATH "\$ORIGIN" ${CMAKE_BINARY_DIR})
