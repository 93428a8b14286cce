# distill_layer(<name> DEPENDS <layers> LIBRARIES <targets>): the static library of src/<name>, the
# test program of tests/unit/<name>. Sources are globbed: adding a file edits no CMake.

set(_distill_warnings -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wpedantic
    -Wold-style-cast -Wnon-virtual-dtor)

add_library(distill_options INTERFACE)
target_compile_options(distill_options INTERFACE ${_distill_warnings})
if(DISTILL_WERROR)
  target_compile_options(distill_options INTERFACE -Werror)
endif()
# What build_id() reads: some linkers leave none unless they are asked to, or a short one.
target_link_options(distill_options INTERFACE -Wl,--build-id=sha1)
if(DISTILL_SANITIZE)
  target_compile_options(distill_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # ASan's dlopen is called from its own library, for which only an RPATH (no RUNPATH) of the program counts.
  target_link_options(distill_options INTERFACE -fsanitize=address,undefined -Wl,--disable-new-dtags)
endif()
if(DISTILL_FUZZ)
  set(_distill_fuzz -fsanitize=address,undefined,float-cast-overflow -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
  target_compile_options(distill_options INTERFACE ${_distill_fuzz} -fsanitize=fuzzer-no-link)
  target_link_options(distill_options INTERFACE ${_distill_fuzz})
endif()
target_include_directories(distill_options INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)

# One precompiled header for every target that includes LibTorch. Of autograd only what many files
# need: custom_function.h would add 1.5 s to each.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/pch/pch.cpp CONTENT "")
add_library(distill_pch OBJECT ${CMAKE_BINARY_DIR}/pch/pch.cpp)
target_link_libraries(distill_pch PRIVATE distill_options distill::torch)
target_precompile_headers(distill_pch PRIVATE
  <ATen/ATen.h> <torch/csrc/autograd/autograd.h>
  <algorithm> <filesystem> <functional> <map> <memory> <optional> <string> <vector>)
target_compile_options(distill_pch PRIVATE -fpch-preprocess)

# What runs for no time that counts, tests and the command line: less optimised, sooner built.
set(_distill_fast_build $<$<CONFIG:Release>:-O1>)

function(_distill_use_libraries target)
  target_link_libraries(${target} PUBLIC ${ARGN})
  if("distill::torch" IN_LIST ARGN)
    target_precompile_headers(${target} REUSE_FROM distill_pch)
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
endfunction()

function(distill_layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/src/data/arrow/")  # a library of its own: Arrow.cmake
  if(NOT sources)
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/pch/${name}.cpp CONTENT "")
    set(sources ${CMAKE_BINARY_DIR}/pch/${name}.cpp)
  endif()
  add_library(distill_${name} STATIC ${sources})
  target_link_libraries(distill_${name} PUBLIC distill_options)
  _distill_use_libraries(distill_${name} ${ARG_LIBRARIES})
  foreach(layer ${ARG_DEPENDS})
    target_link_libraries(distill_${name} PUBLIC distill_${layer})
  endforeach()
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${name}/*_test.cpp)
  if(tests)
    distill_test(test_${name} LABEL unit SOURCES ${tests} LIBRARIES ${ARG_LIBRARIES})
    target_link_libraries(test_${name} PRIVATE distill_${name})
  endif()
endfunction()

function(distill_program name)
  cmake_parse_arguments(ARG "" "LAYER" "DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${ARG_LAYER}/*.cpp)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PUBLIC distill_options)
  target_compile_options(${name} PRIVATE ${_distill_fast_build})
  _distill_use_libraries(${name} ${ARG_LIBRARIES})
  foreach(layer ${ARG_DEPENDS})
    target_link_libraries(${name} PUBLIC distill_${layer})
  endforeach()
endfunction()

# distill_test(<name> LABEL <label> SOURCES ... LIBRARIES ...): a GoogleTest program as one ctest entry.
function(distill_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC distill_options)
  target_compile_options(${name} PRIVATE ${_distill_fast_build})
  _distill_use_libraries(${name} ${ARG_LIBRARIES})
  target_link_libraries(${name} PRIVATE GTest::gmock_main)
  target_compile_definitions(${name} PRIVATE DISTILL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL}
    ENVIRONMENT XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test_cache)
endfunction()

# distill_version(<target>): adds a version.cpp that is written anew where the commit has changed.
function(distill_version target)
  set(output ${CMAKE_BINARY_DIR}/generated/version.cpp)
  add_custom_target(distill_version BYPRODUCTS ${output}
    COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${output}
            -DVERSION=${PROJECT_VERSION} -P ${CMAKE_SOURCE_DIR}/cmake/WriteVersion.cmake)
  target_sources(${target} PRIVATE ${output})
  add_dependencies(${target} distill_version)
endfunction()
