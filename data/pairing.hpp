// Which colorized film belongs to which true one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace afterglow {

/// A film and its colorized version; `colorized` is empty when there is to be none.
struct FilmPair {
  std::string id;
  std::filesystem::path truth;
  std::filesystem::path colorized;
};

/// What could be paired, in the order of the truths, and a line on each file that could not
/// (`FILE: what is wrong; what to do`).
struct Pairing {
  std::vector<FilmPair> pairs;
  std::vector<std::string> problems;
  std::vector<std::string> lost;  // ids that truths among the problems might have had
};

/// The name of a film without its extension; of a folder, its whole name.
std::string clip_id(const std::filesystem::path& path);

/// The end of a file's stem that tells it from its siblings: its trailing digits, else what follows
/// the last '_' or '-', else nothing. "color_12" -> "12", "colorized_lake" -> "lake".
std::string trailing_id(const std::string& stem);

/// What becomes of a truth without a partner.
enum class Unpaired {
  kProblem,
  kAlone,  // it is kept, with its stem as id
};

/// Pairs by equal stem, else by equal trailing id. A pair's id is the common stem, else the
/// trailing id. A file (or another name of it) is never paired with itself; what has more than one
/// partner, or none (of truths: see `unpaired`), is a problem.
Pairing pair_films(const std::vector<std::filesystem::path>& truths,
                   const std::vector<std::filesystem::path>& colorized,
                   Unpaired unpaired = Unpaired::kProblem);

/// Films alone, each with its stem as id; two of one stem are a problem.
Pairing name_films(const std::vector<std::filesystem::path>& truths);

/// Replaces each folder that holds films (by extension) by these films in natural order; other
/// folders, which may hold numbered pictures, and files stay as they are.
std::vector<std::filesystem::path> expand_folders(const std::vector<std::filesystem::path>& paths);

}  // namespace afterglow
