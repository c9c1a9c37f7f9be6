# Sets ARTEMIS_WITH_PARQUET and, where it is true, makes the target artemis_arrow: Apache Arrow and its Parquet reader, as
# scripts/install-deps.sh lays them down.
set(ARTEMIS_PARQUET AUTO CACHE STRING "Read Parquet through Apache Arrow: ON, OFF or AUTO (where it is found)")
set_property(CACHE ARTEMIS_PARQUET PROPERTY STRINGS ON OFF AUTO)
set(ARTEMIS_ARROW_DIR ${PROJECT_SOURCE_DIR}/build/_deps/arrow/pyarrow CACHE PATH "Folder with Arrow's include/ and libraries")
set(ARTEMIS_WITH_PARQUET OFF)
file(GLOB arrow_library ${ARTEMIS_ARROW_DIR}/libarrow.so.*)
file(GLOB parquet_library ${ARTEMIS_ARROW_DIR}/libparquet.so.*)
if(NOT ARTEMIS_PARQUET)
  message(STATUS "Parquet: off")
elseif(arrow_library AND parquet_library AND EXISTS ${ARTEMIS_ARROW_DIR}/include/parquet/arrow/reader.h)
  message(STATUS "Parquet: through ${parquet_library}")
  set(ARTEMIS_WITH_PARQUET ON)
  add_library(artemis_arrow_core SHARED IMPORTED GLOBAL)
  set_target_properties(artemis_arrow_core PROPERTIES IMPORTED_LOCATION ${arrow_library})
  add_library(artemis_arrow SHARED IMPORTED GLOBAL)
  set_target_properties(artemis_arrow PROPERTIES IMPORTED_LOCATION ${parquet_library}
                                                 INTERFACE_INCLUDE_DIRECTORIES ${ARTEMIS_ARROW_DIR}/include
                                                 INTERFACE_LINK_LIBRARIES artemis_arrow_core)
elseif(ARTEMIS_PARQUET STREQUAL "AUTO")
  message(WARNING "Apache Arrow is not in ${ARTEMIS_ARROW_DIR}: the program will not read Parquet")
else()
  message(FATAL_ERROR "ARTEMIS_PARQUET is ON, and Apache Arrow is not in ${ARTEMIS_ARROW_DIR}")
endif()
