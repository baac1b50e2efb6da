# Warnings and hardening for every target of the project.
add_library(project_options INTERFACE)
target_compile_options(project_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Wimplicit-fallthrough -Wno-gnu-statement-expression -Wno-missing-designated-field-initializers -Werror=return-type
  -Werror=unused-result -fstack-protector-strong)
target_compile_definitions(project_options INTERFACE _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED)
target_include_directories(project_options INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})

if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  if(NOT LETTERLOCK_SANITIZE)
    target_compile_definitions(project_options INTERFACE _FORTIFY_SOURCE=3)
  endif()
endif()
# ASSERT stays on in every build; NDEBUG only silences the libraries' own assert().

if(LETTERLOCK_SANITIZE STREQUAL "address+undefined")
  set(sanitize_flags -fsanitize=address,undefined -fno-sanitize-recover=undefined)
elseif(LETTERLOCK_SANITIZE STREQUAL "thread")
  set(sanitize_flags -fsanitize=thread)
endif()
if(sanitize_flags)
  target_compile_options(project_options INTERFACE ${sanitize_flags} -fno-omit-frame-pointer)
  target_link_options(project_options INTERFACE ${sanitize_flags})
endif()
