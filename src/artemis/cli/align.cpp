#include "artemis/cli/commands.h"
#include "artemis/cli/train_options.h"

namespace artemis {

void add_align_command(CLI::App& app) {
  add_train_command(app, {.name = "align",
                          .description = "Stage 1: train the projector on captioned pictures",
                          .example = "artemis align --model graft --data captions.tar --out run --epochs 3",
                          .defaults = {}});
}

}  // namespace artemis
