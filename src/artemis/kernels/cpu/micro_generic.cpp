#define ARTEMIS_MICRO_NAME generic
#define ARTEMIS_MICRO_LANES 4
#define ARTEMIS_MICRO_COLUMNS 2
#define ARTEMIS_MICRO_DOTS 2
#include "artemis/kernels/cpu/micro.inl"
