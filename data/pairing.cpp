#include "data/pairing.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <system_error>

#include "data/names.hpp"
#include "data/picture_folder.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string number_of(const fs::path& path) { return trailing_id(clip_id(path)); }

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code missing;
  return a.lexically_normal() == b.lexically_normal() || fs::equivalent(a, b, missing);
}

std::string line(const fs::path& path, const std::string& problem, const std::string& remedy) {
  return path.string() + ": " + problem + "; " + remedy;
}

/// A stage of pairing: the key by which two files belong together.
using Key = std::function<std::string(const fs::path&)>;

/// Moves ambiguous ids from the pairs to the problems.
void refuse_equal_ids(Pairing& pairing) {
  std::map<std::string, int> uses;
  for (const FilmPair& pair : pairing.pairs) ++uses[pair.id];
  std::erase_if(pairing.pairs, [&](const FilmPair& pair) {
    if (uses[pair.id] == 1) return false;
    pairing.lost.push_back(pair.id);
    pairing.problems.push_back(line(pair.truth,
                                    "is not the only film that would be clip '" + pair.id + "'",
                                    "rename one of them"));
    return true;
  });
}

}  // namespace

std::string clip_id(const fs::path& path) {
  const fs::path name = path.filename().empty() ? path.parent_path() : path;  // "clips/color_12/"
  return (fs::is_directory(name) ? name.filename() : name.stem()).string();
}

std::string trailing_id(const std::string& stem) {
  const auto first_digit =
      std::find_if(stem.rbegin(), stem.rend(), [](char c) { return !is_digit(c); }).base();
  if (first_digit != stem.end()) return {first_digit, stem.end()};
  const std::size_t separator = stem.find_last_of("_-");
  return separator == std::string::npos ? std::string() : stem.substr(separator + 1);
}

Pairing pair_films(const std::vector<fs::path>& truths, const std::vector<fs::path>& colorized,
                   Unpaired unpaired) {
  Pairing pairing;
  std::vector<FilmPair> found(truths.size());
  std::vector<bool> refused(truths.size(), false);
  std::vector<bool> used(colorized.size(), false);
  for (const Key& key : {Key(clip_id), Key(number_of)}) {
    for (std::size_t i = 0; i < truths.size(); ++i) {
      if (refused[i] || !found[i].id.empty()) continue;
      const std::string wanted = key(truths[i]);
      std::vector<std::size_t> partners;
      for (std::size_t j = 0; j < colorized.size(); ++j) {
        if (!used[j] && !wanted.empty() && key(colorized[j]) == wanted &&
            !same_file(truths[i], colorized[j])) {
          partners.push_back(j);
        }
      }
      std::vector<std::size_t> rivals;  // truths that the partners could belong to, this one too
      for (std::size_t k = 0; !partners.empty() && k < truths.size(); ++k) {
        if (!refused[k] && found[k].id.empty() && key(truths[k]) == wanted &&
            !same_file(truths[k], colorized[partners[0]])) {
          rivals.push_back(k);
        }
      }
      for (const std::size_t j : partners) used[j] = true;
      if (partners.size() == 1 && rivals.size() == 1) {
        found[i] = {wanted, truths[i], colorized[partners[0]]};
        continue;
      }
      for (const std::size_t k : rivals) refused[k] = true;
      if (partners.size() == 1) {
        pairing.problems.push_back(line(
            colorized[partners[0]],
            "could belong to " + truths[rivals[0]].string() + " or " + truths[rivals[1]].string(),
            "give one of them"));
        continue;
      }
      for (const std::size_t k : rivals) {
        pairing.problems.push_back(line(truths[k],
                                        "could belong to " + colorized[partners[0]].string() +
                                            " or " + colorized[partners[1]].string(),
                                        "give one of them"));
      }
    }
  }
  for (std::size_t i = 0; i < truths.size(); ++i) {
    if (!found[i].id.empty()) {
      pairing.pairs.push_back(found[i]);
      continue;
    }
    if (!refused[i] && unpaired == Unpaired::kAlone) {
      pairing.pairs.push_back({clip_id(truths[i]), truths[i], {}});
      continue;
    }
    pairing.lost.insert(pairing.lost.end(), {clip_id(truths[i]), number_of(truths[i])});
    if (!refused[i]) {
      pairing.problems.push_back(line(truths[i], "has no colorized film of its own",
                                      "give one of the same name or the same number"));
    }
  }
  for (std::size_t j = 0; j < colorized.size(); ++j) {
    if (!used[j]) {
      pairing.problems.push_back(
          line(colorized[j], "has no true film", "give one of the same name or the same number"));
    }
  }
  refuse_equal_ids(pairing);
  return pairing;
}

Pairing name_films(const std::vector<fs::path>& truths) {
  Pairing pairing;
  for (const fs::path& truth : truths) pairing.pairs.push_back({clip_id(truth), truth, {}});
  refuse_equal_ids(pairing);
  return pairing;
}

std::vector<fs::path> expand_folders(const std::vector<fs::path>& paths) {
  std::vector<fs::path> expanded;
  for (const fs::path& path : paths) {
    std::vector<fs::path> films;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(path, error)) {
      const bool hidden = entry.path().filename().string().starts_with('.');
      if (!hidden && entry.is_regular_file() && is_film(entry.path())) {
        films.push_back(entry.path());
      }
    }
    std::sort(films.begin(), films.end(), [](const fs::path& a, const fs::path& b) {
      return natural_less(a.string(), b.string());
    });
    if (films.empty()) films.push_back(path);
    expanded.insert(expanded.end(), films.begin(), films.end());
  }
  return expanded;
}

}  // namespace afterglow
