// The program: one function for each command, each in a file of its own.
#pragma once

#include <CLI/App.hpp>

namespace artemis {

// Parses the command line and runs the command. Results go to stdout, messages to stderr; returns the exit
// code: 0, 1 for a failure, 2 for bad usage.
int run_cli(int argc, char** argv);

// Each adds one subcommand with its options, its help and its work.
void add_init_command(CLI::App& app);
void add_graft_command(CLI::App& app);
void add_extract_command(CLI::App& app);
void add_inspect_command(CLI::App& app);
void add_align_command(CLI::App& app);
void add_tune_command(CLI::App& app);
void add_merge_command(CLI::App& app);
void add_generate_command(CLI::App& app);
void add_chat_command(CLI::App& app);
void add_serve_command(CLI::App& app);
void add_eval_command(CLI::App& app);
void add_tokenizer_command(CLI::App& app);
void add_tokenize_command(CLI::App& app);
void add_template_command(CLI::App& app);
void add_preprocess_command(CLI::App& app);
void add_forward_command(CLI::App& app);
void add_report_command(CLI::App& app);
void add_scenes_command(CLI::App& app);
void add_corpus_command(CLI::App& app);
void add_bench_command(CLI::App& app);

}  // namespace artemis
