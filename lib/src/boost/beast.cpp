// SPDX-License-Identifier: MIT
#include <boost/beast/src.hpp>
