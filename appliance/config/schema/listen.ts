/** Addresses to listen on, and names to be asked for by. */
import { z } from 'zod';

/** ADDRESS:PORT or [ADDRESS]:PORT. */
export const listenPattern = /^(?:(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]+\]):\d{1,5}$/;

export const hostNames = z
  .array(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'not a host name'))
  .default([]);
