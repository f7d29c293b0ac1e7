// ImageNet weights of VGG16's convolutional part from Keras HDF5 files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nn/models/colorization_model.hpp"
#include "weights/foreign_hdf5.hpp"

namespace afterglow {

/// Names of VGG16's 13 convolutions, in order: "block1_conv1" ... "block5_conv3".
std::vector<std::string> vgg16_layers();

/// The encoder layers that a Keras file has weights for, none or some: groups block1_conv1 ...
/// block5_conv3 at the root (the `notop` file) or below vgg16, model_weights or model_weights/vgg16
/// (a whole model), datasets `*_W_1:0` and `*_b_1:0` or `kernel:0` and `bias:0`, in the group
/// itself or in a group of its name.
std::vector<std::string> keras_vgg16_layers(const ForeignHdf5& file);

/// Copies the file's weights into the model's encoder and notes them as pretrained. Throws
/// InputError when the model has no VGG16 encoder, a shape is wrong, a value is not finite, or
/// layers are missing and `partial` is false.
void load_keras_vgg16(const std::filesystem::path& path, ColorizationModel& model, bool partial);

}  // namespace afterglow
