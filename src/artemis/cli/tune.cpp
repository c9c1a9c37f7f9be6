#include "artemis/cli/commands.h"
#include "artemis/cli/train_options.h"

namespace artemis {

void add_tune_command(CLI::App& app) {
  RunConfig defaults;
  defaults.stage = 2;
  defaults.learning_rate = 1e-5;
  add_train_command(app,
                    {.name = "tune",
                     .description = "Stage 2: train the decoder too, or any parts that train.* names",
                     .example = "artemis tune --config recipes/a3-instruct.yaml --model aligned --out run",
                     .defaults = defaults});
}

}  // namespace artemis
