# How a room of src/artemis and its tests become targets.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)

# Compilations are cached where ccache is installed.
find_program(ARTEMIS_CCACHE ccache)
if(ARTEMIS_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ARTEMIS_CCACHE})
endif()

# Compile options that every target of ours shares.
add_library(artemis_options INTERFACE)
target_include_directories(artemis_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(
  artemis_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wsign-conversion>"
                            "$<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Woverloaded-virtual;-Werror>"
                            "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra;-Werror=all-warnings>")
# fmt 9 takes nvcc for one that knows no constexpr, and then does not compile as C++20.
target_compile_definitions(artemis_options INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:FMT_USE_CONSTEXPR=1>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside its own <regex> and <string> when it inlines; a sanitizer build makes it worse.
  target_compile_options(
    artemis_options
    INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized;-Wno-restrict;-Wno-stringop-overflow;-Wno-array-bounds>")
endif()
if(ARTEMIS_SANITIZE)
  set(sanitize -fsanitize=${ARTEMIS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(ARTEMIS_SANITIZE STREQUAL "address,undefined")
    # AddressSanitizer stops at a null pointer too; asking before each use is an eighth of the compilation.
    list(APPEND sanitize -fno-sanitize=null)
  endif()
  target_compile_options(artemis_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${sanitize}>")
  target_link_options(artemis_options INTERFACE -fsanitize=${ARTEMIS_SANITIZE})
endif()
if(ARTEMIS_FUZZ)
  target_compile_options(artemis_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# artemis_room(NAME PUBLIC a b PRIVATE c d): the library artemis_NAME from all sources of this folder (not of folders
# below, unless given as SOURCES), linked to our rooms and to vendor targets.
function(artemis_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_library(artemis_${name} STATIC ${sources} ${ROOM_SOURCES})
  target_link_libraries(artemis_${name} PUBLIC artemis_options ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE})
endfunction()

# artemis_test(NAME LIBRARIES ...): one GoogleTest program from all sources of this folder, run by ctest as NAME.
function(artemis_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../tests)
  # What is tested is optimised as ever; the tests' own code compiles a fifth faster with less.
  target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(test_${name} PRIVATE artemis_options GTest::gtest GTest::gtest_main ${TEST_LIBRARIES})
  target_compile_definitions(test_${name} PRIVATE ARTEMIS_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden"
                                                  ARTEMIS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND test_${name})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 600)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT})
endfunction()
