// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a shared libspawning shows to whoever links it, and what it keeps to itself.

/// \def SPAWNING_EXPORT
/// Every public header opens its namespace with it: what is declared there is exported. Whatever else
/// there is in the library is hidden (-fvisibility=hidden).
/// \def SPAWNING_PRIVATE
/// An exception to that: a type that a public header names, and only sources know.
///
/// Both are empty where the library is static. SPAWNING_SHARED comes with the CMake target and with
/// pkg-config. \see https://gcc.gnu.org/wiki/Visibility
#ifdef SPAWNING_SHARED
#define SPAWNING_EXPORT [[gnu::visibility("default")]]
#define SPAWNING_PRIVATE [[gnu::visibility("hidden")]]
#else
#define SPAWNING_EXPORT
#define SPAWNING_PRIVATE
#endif
