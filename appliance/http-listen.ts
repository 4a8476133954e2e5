/** Listening, with errors before it told to who asked and those after it to who watches. */
import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';

/**
 * @param onError a server that listens goes on after an error, such as no descriptor being left for another connection;
 * without somebody to hear it, Node would end the process
 * @throws what kept it from listening
 */
export async function listen(
  server: Server,
  where: ListenOptions,
  onError: (error: Error) => void = () => {},
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      server.on('error', onError);
      resolve();
    });
  });
}
