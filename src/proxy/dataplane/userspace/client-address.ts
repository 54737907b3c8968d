/** An IPv4 client of a socket for both families is `::ffff:10.0.0.1` there. */
export const clientAddress = (address = ''): string => (address.startsWith('::ffff:') ? address.slice(7) : address);
