/** Addresses to listen on. */

/** ADDRESS:PORT or [ADDRESS]:PORT. */
export const listenPattern = /^(?:(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]+\]):\d{1,5}$/;
