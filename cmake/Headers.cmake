# Every public header compiles on its own: the target all_verify_interface_header_sets, which is no
# part of `all`, compiles one file for each header with the flags that a user of the layer gets.
get_property(_targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
foreach(_target IN LISTS _targets)
  string(REGEX REPLACE "^distill_" "" _layer "${_target}")
  file(GLOB_RECURSE _headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/distill/${_layer}/*.h)
  if(TARGET distill_${_layer} AND _headers)
    target_sources(distill_${_layer} PUBLIC FILE_SET HEADERS
      BASE_DIRS ${CMAKE_SOURCE_DIR}/include FILES ${_headers})
    set_target_properties(distill_${_layer} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  endif()
endforeach()
