// Compiled for AVX-512; see CMakeLists.txt.
#if defined(__x86_64__)
#define ARTEMIS_MICRO_NAME avx512
#define ARTEMIS_MICRO_LANES 16
#define ARTEMIS_MICRO_COLUMNS 4
#define ARTEMIS_MICRO_DOTS 4
#include "artemis/kernels/cpu/micro.inl"
#endif
