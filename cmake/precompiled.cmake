# Building from nothing is mostly parsing the libraries' headers: half of the time that a file takes.
# They are parsed once for the program (precompiled.h) and once for the tests.
file(WRITE ${CMAKE_BINARY_DIR}/precompiled/nothing.cc "")
foreach(kind precompiled precompiled_tests)
  add_library(letterlock_${kind} STATIC ${CMAKE_BINARY_DIR}/precompiled/nothing.cc)
  target_link_libraries(letterlock_${kind} PRIVATE project_options Boost::json fmt::fmt)
  target_precompile_headers(letterlock_${kind} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/${kind}.h)
  # The same octets each time, so that the compiler cache knows it again.
  target_compile_options(letterlock_${kind} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
endforeach()
target_link_libraries(letterlock_precompiled_tests PRIVATE GTest::gtest GTest::gmock)

function(precompile target)
  target_precompile_headers(${target} REUSE_FROM letterlock_precompiled)
endfunction()

# Tests run once or twice: what optimising them costs, nobody gets back.
function(quickly target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT LETTERLOCK_SANITIZE)
    target_compile_options(${target} PRIVATE -O0 -U_FORTIFY_SOURCE)
  endif()
endfunction()
quickly(letterlock_precompiled_tests)

function(compile_as_test target)
  quickly(${target})
  target_precompile_headers(${target} REUSE_FROM letterlock_precompiled_tests)
endfunction()
