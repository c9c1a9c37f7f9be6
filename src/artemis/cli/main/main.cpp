#include "artemis/cli/commands.h"

int main(int argc, char** argv) { return artemis::run_cli(argc, argv); }
