// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Who asks for what, where proxies stand in between.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http/request_parser.hpp"
#include "spawning/address.hpp"
#include "spawning/headers.hpp"
#include "spawning/trusted_proxies.hpp"

namespace spawning {

/// What a request's head says once its proxies have been heard, and what a Handler may see of it.
struct Origin {
  const Address* client = nullptr;  ///< \see Request for these
  std::string_view scheme = "http";
  std::string_view host;
  Headers headers;
};

/// Hears what proxies say about requests: `Forwarded` (RFC 7239) and `X-Forwarded-For`, `-Proto`,
/// `-Host` and `-Port`.
///
/// A peer that is not trusted is not heard, and all its `Forwarded` and `X-Forwarded-*` fields are
/// left out of `headers`, so that nobody behind us believes them either.
///
/// The word of a trusted peer is taken, and then that of each hop that it names, from right to left
/// over all lines of the field, as long as the hop is trusted too. The first that is not, or else
/// the leftmost, is the client. The walk ends early at an element that names nobody (`unknown`,
/// `_hidden`, no `for`) or is malformed: the client is then the last hop that was named, and what
/// stands further left is not looked at. Scheme, host and port are those of the element that named
/// the client: in `Forwarded` the very element (an `unknown` one speaks for itself, a malformed one
/// does not), in `X-Forwarded-*` the one at the same place from the right, or the rightmost if there
/// are fewer. Schemes are http and https; a host that is no authority and a port that is no number
/// from 1 to 65535 are as if they had not been said. The port replaces that of the host; the
/// scheme's own is left out.
///
/// Nobody can tell which of the two families the proxy wrote and which it let pass. If a field of
/// both is there, `X-Forwarded-*` is heard, since nearly every proxy writes these, and `Forwarded`
/// is left out of `headers`. Names with an underscore for a dash (HeaderMap::dangerous) are left
/// out, whoever sent them.
///
/// Where nobody says otherwise the scheme is that of a target in absolute-form, else http.
///
/// A head without any of these fields costs a look at the length of each name.
///
/// \par Threads   None of its own.
/// \par Lifetime  No allocation once the memory of a few read()s is there.
/// \see RFC 7239 §4–8
class ForwardedReader {
 public:
  /// \returns views and pointers into `head`, `peer`, and this object, until the next read().
  [[nodiscard]] Origin read(const RequestHead& head, const Address& peer,
                            const TrustedProxies& trusted);

 private:
  void keep_all_but(const RequestHead& head, bool trusted, bool x_forwarded, Origin& origin);
  void hear_x_forwarded(Headers fields, const TrustedProxies& trusted, Origin& origin);
  void hear_forwarded(Headers fields, const TrustedProxies& trusted, Origin& origin);
  void set_port(std::string_view port, Origin& origin);

  Address client_;              // where it is not the peer
  std::string host_;            // where it is composed
  std::vector<Header> fields_;  // where some were left out
};

}  // namespace spawning
