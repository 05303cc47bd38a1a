import { readFile } from 'node:fs/promises'
import type { Log } from '../../kit/log.ts'

/** What the kernel may hold unsent of one connection before it becomes a matter of all of TCP's memory, bytes. */
const MOST_UNSENT = 1_048_576

/**
 * Says once when the kernel would hold megabytes for each client that does not read: Node cannot limit it for a socket of its own
 * (docs/placements.md, buffers of the kernel). Silent where there is no such file to read.
 */
export async function warnOfKernelBuffers(log: Log, root = '/proc/sys/net/ipv4'): Promise<void> {
  const number = async (name: string): Promise<number> =>
    Number((await readFile(`${root}/${name}`, 'latin1')).trim().split(/\s+/).at(-1))
  try {
    const unsent = await number('tcp_notsent_lowat')
    const most = await number('tcp_wmem')
    if (unsent > MOST_UNSENT && most > MOST_UNSENT)
      log.warn('kernel-buffers', { setting: 'net.ipv4.tcp_notsent_lowat', is: unsent, better: 131_072 })
  } catch {
    // Another system; its defaults are smaller.
  }
}
