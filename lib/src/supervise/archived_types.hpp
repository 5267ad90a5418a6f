// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What an archive, which writes values or reads them, does with a type.
///
/// A class is described by `describe(archive, value)`, or by a static `fields(archive, value)` of
/// its own if its members are private; either names the members: `archive("slot", value.slot)`.

#include <array>
#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>

namespace spawning::archived {

/// For `describe`: the type that is written, const, and read.
template <typename T, typename Described>
concept Is = std::same_as<std::remove_const_t<T>, Described>;

template <typename T>
concept Duration = std::same_as<T, std::chrono::duration<typename T::rep, typename T::period>>;

template <typename T>
concept TimePoint =
    std::same_as<T, std::chrono::time_point<typename T::clock, typename T::duration>>;

template <typename T>
concept Optional = std::same_as<T, std::optional<typename T::value_type>>;

template <typename T>
concept Array = std::same_as<T, std::array<typename T::value_type, std::tuple_size<T>::value>>;

template <typename T>
concept Map = requires {
  typename T::mapped_type;
};

template <typename T>
concept Set = requires {
  typename T::key_type;
}
&&!Map<T>;

template <typename T>
concept Sequence = requires(T value) {
  value.emplace_back();
}
&&!std::same_as<T, std::string>;

template <typename Archive, typename T>
void visit(Archive& archive, T& value) {
  if constexpr (requires { std::remove_const_t<T>::fields(archive, value); }) {
    std::remove_const_t<T>::fields(archive, value);
  } else {
    describe(archive, value);
  }
}

}  // namespace spawning::archived
