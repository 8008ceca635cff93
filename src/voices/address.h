/* address.h - which addresses a URL from outside may make us connect to.
 *
 * Only what is certainly public: the global unicast space of IPv4 and IPv6 less all that the IANA special-purpose
 * registries (RFC 6890 and its updates) name, less every way to write an IPv4 address in an IPv6 one (mapped, NAT64,
 * 6to4, Teredo), less the metadata services that clouds keep at public addresses. */
#ifndef TB_VOICES_ADDRESS_H
#define TB_VOICES_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

bool tb_address_public(const struct sockaddr *address);

#endif
