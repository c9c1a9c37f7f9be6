# How a room of src/artemis and its tests become targets.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)

# Compilations are cached where ccache is installed.
find_program(ARTEMIS_CCACHE ccache)
if(ARTEMIS_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ARTEMIS_CCACHE})
endif()

# Headers that most sources read are compiled once where nothing keeps whole compilations, as ccache does. A source
# still includes all that it uses: `make lint` and builds with ccache go without.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(precompile ON)
else()
  set(precompile OFF)
endif()
option(ARTEMIS_PRECOMPILE "Precompile headers" ${precompile})

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
  if(ARTEMIS_PRECOMPILE)
    # Beside those headers GCC soon looks for memory to free, a tenth of its time; it may wait for another 400 MB.
    target_compile_options(
      artemis_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-expand=200;--param=ggc-min-heapsize=400000>")
  endif()
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
# What the tests' own code is compiled with besides. What is tested is optimised as ever.
add_library(artemis_test_options INTERFACE)
target_link_libraries(artemis_test_options INTERFACE artemis_options)
if(ARTEMIS_SANITIZE)
  target_compile_options(artemis_test_options INTERFACE -O0)  # in half the time
else()
  target_compile_options(artemis_test_options INTERFACE $<$<CONFIG:Release>:-O1>)  # a fifth faster
endif()

# artemis_headers(NAME HEADERS ... LIBRARIES ...): a target with the precompiled headers and these besides, for the
# REUSE_FROM of targets with the options of these libraries.
function(artemis_headers name)
  cmake_parse_arguments(USED "" "" "HEADERS;LIBRARIES" ${ARGN})
  find_package(nlohmann_json REQUIRED)
  file(CONFIGURE OUTPUT ${name}.cpp CONTENT "")  # a target needs a source
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE fmt::fmt nlohmann_json::nlohmann_json ${USED_LIBRARIES})
  target_precompile_headers(
    ${name} PRIVATE <algorithm> <array> <charconv> <chrono> <cmath> <cstdint> <filesystem> <fstream> <functional> <map>
    <memory> <mutex> <optional> <span> <string> <string_view> <unordered_map> <utility> <vector> <fmt/format.h>
    <nlohmann/json.hpp> ${USED_HEADERS})
endfunction()
if(ARTEMIS_PRECOMPILE)
  artemis_headers(artemis_headers LIBRARIES artemis_options)
endif()
# artemis_reuse(TARGET HEADERS): the target reads these precompiled ones, where there are any.
function(artemis_reuse target headers)
  if(ARTEMIS_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${headers})
  endif()
endfunction()

# artemis_room(NAME PUBLIC a b PRIVATE c d): the library artemis_NAME from all sources of this folder (not of folders
# below, unless given as SOURCES), linked to our rooms and to vendor targets.
function(artemis_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_library(artemis_${name} STATIC ${sources} ${ROOM_SOURCES})
  target_link_libraries(artemis_${name} PUBLIC artemis_options ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE})
  if(NOT name STREQUAL "kernels")  # which has options of its own, and reads little
    artemis_reuse(artemis_${name} artemis_headers)
  endif()
endfunction()

# artemis_test(NAME LIBRARIES ...): one GoogleTest program from all sources of this folder, run by ctest as NAME. The
# seconds that it takes under AddressSanitizer are its COST, where there are many: the longest begin first.
function(artemis_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT;COST" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../tests)
  target_link_libraries(test_${name} PRIVATE artemis_test_options fmt::fmt GTest::gtest GTest::gtest_main ${TEST_LIBRARIES})
  artemis_reuse(test_${name} artemis_test_headers)
  target_compile_definitions(test_${name} PRIVATE ARTEMIS_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden"
                                                  ARTEMIS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND test_${name})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 600)
  endif()
  if(NOT TEST_COST)
    set(TEST_COST 0)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT} COST ${TEST_COST})
endfunction()
