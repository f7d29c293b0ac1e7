// `afterglow train`: trains a network on a dataset.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "apps/commands.hpp"
#include "apps/device_options.hpp"
#include "apps/steady_trainer.hpp"
#include "apps/trainer.hpp"

namespace afterglow {

void add_learning_options(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--arch", options.arch,
                  "Network: alexnet or vgg16 (the paper's); steady, or flow-average, its control")
      ->required();
  command
      .add_option("--decoder", options.decoder,
                  "How the decoder grows: upsample or deconv (the poster's)")
      ->capture_default_str();
  command
      .add_option("--beta", options.beta,
                  "Weight of the error against the truth; 1 - beta weighs the change since the "
                  "frame before")
      ->capture_default_str();
  command
      .add_option("--temporal", options.temporal,
                  "What that change is counted on: plain (every pixel), masked (pixels that are "
                  "seen in both frames and nearly still) or warped (each pixel against where it "
                  "was); the last two need prepare --flow")
      ->capture_default_str();
  command.add_option("--epochs", options.epochs, "Passes over the data")->capture_default_str();
  command.add_option("--steps", options.steps, "steady: steps instead of epochs")
      ->capture_default_str();
  command
      .add_option("--batch", options.batch,
                  "Consecutive frames a step; steady: streams side by side (8)")
      ->capture_default_str();
  command
      .add_option("--lr", options.learning_rate,
                  "Adam's learning rate; steady: its largest (0.0005)")
      ->capture_default_str();
  command
      .add_option("--clip-norm", options.clip_norm,
                  "Largest norm of all gradients together; 0: no limit; steady: 1")
      ->capture_default_str();
  command
      .add_option("--order", options.order,
                  "sequential, shuffled-clips or shuffled-frames (as the paper's code)")
      ->capture_default_str();
  command
      .add_option("--previous", options.previous,
                  "The network's previous frame in training: baseline (of the input, as in the "
                  "paper) or own (its own outputs)")
      ->capture_default_str();
  command.add_option("--unroll", options.unroll, "Steps in a row on own outputs (steady: 6)")
      ->capture_default_str();
  command.add_flag("--stop-gradient", options.stop_gradient,
                   "No gradients from a step on own outputs to the one before");
  command.add_flag(
      "--loss-corner", options.loss_corner,
      "The loss sees the bottom right quarter of frames alone, as in the paper's code");
  command
      .add_option("--bn", options.norms,
                  "Batch norm statistics for inference: reestimate (over training batches) or "
                  "keras (running averages)")
      ->capture_default_str();
  command.add_option("--init", options.init,
                     "Model file to start from: afterglow's, a whole Keras model, or .safetensors");
  command.add_flag("--init-optimizer", options.init_optimizer,
                   "Adam's moments and step counter from --init too");
  command.add_option("--vgg16-weights", options.vgg16_weights,
                     "Keras HDF5 file with weights for the VGG16 encoder; vgg16: the fetched one");
  command.add_flag("--vgg16-partial", options.vgg16_partial, "Accept weights of some blocks only");
  command.add_option("--seed", options.seed, "Seed of weights and order")
      ->check(CLI::NonNegativeNumber)  // -1 would wrap around
      ->capture_default_str();
}

namespace {

template <typename AnyTrainer>
void train(const TrainOptions& options) {
  AnyTrainer trainer(options);
  std::fputs((trainer.description() + '\n').c_str(), stderr);
  trainer.run();
  std::puts(trainer.folder().model().c_str());
}

}  // namespace

void add_train(CLI::App& program) {
  CLI::App* command = program.add_subcommand("train", "Train a network on a dataset");
  auto options = std::make_shared<TrainOptions>();
  command->add_option("--data", options->data, "Dataset of afterglow prepare")->required();
  command->add_option("--out", options->out, "Run folder to make (with --resume: to go on with)")
      ->required();
  add_learning_options(*command, *options);
  add_device_options(*command, options->backend);
  command
      ->add_option("--save-every", options->save_every,
                   "Steps between checkpoints inside an epoch, besides one every few minutes")
      ->capture_default_str();
  command->add_flag("--tensorboard", options->tensorboard,
                    "Losses and pictures for TensorBoard, too: event files in the run folder");
  command->add_flag("--resume", options->resume,
                    "Go on where the run in --out stopped; start it when there is none");
  command->callback([command, options] {
    complete_options(*command, *options);
    if (is_steady_arch(options->arch)) {
      train<SteadyTrainer>(*options);
    } else {
      train<Trainer>(*options);
    }
  });
}

}  // namespace afterglow
