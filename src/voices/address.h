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

enum { TB_PLACE = 56 };
/* "10.0.0.7:9000", "[FD00::7]:9000" -> the one way in which tb_fetch_options.allowed names it. False: not an address
 * and a port from 1 on; a name is none, since what it stands for is another's to decide. */
bool tb_place_parse(const char *text, char out[TB_PLACE]);

#endif
