// The steady network that is part of the program.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "nn/models/steady.hpp"

namespace afterglow {

/// What messages call it.
inline constexpr const char* kBoxedModel = "the model in the box";

/// The bytes of its model file, weights/models/steady.h5 (weights/models/CARD.md says what it
/// learnt from).
std::span<const std::byte> boxed_model();

/// Loads it.
std::unique_ptr<SteadyModel> load_boxed_model(const std::shared_ptr<Backend>& backend);

}  // namespace afterglow
