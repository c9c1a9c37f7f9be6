// Compiled for AVX2 and FMA; see CMakeLists.txt.
#if defined(__x86_64__)
#define ARTEMIS_MICRO_NAME avx2
#define ARTEMIS_MICRO_LANES 8
#define ARTEMIS_MICRO_COLUMNS 2
#define ARTEMIS_MICRO_DOTS 2
#include "artemis/kernels/cpu/micro.inl"
#endif
