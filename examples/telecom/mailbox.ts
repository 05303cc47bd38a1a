import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server'

const LARGEST = 256 * 1024
const MOST_MAILS = 1_000
const NAME = /^\d{13}-[0-9a-f]{12}\.eml$/

/** A mail as it came: its place in the folder, whom the envelope named, and every byte. */
export type Kept = { readonly id: string; readonly to: string; readonly raw: Buffer }
export type Mailbox = AsyncDisposable & { list(): Promise<readonly Kept[]> }

/** A mail server that takes everything for @example.vn and keeps it; it says 250 when the mail is on the disk. */
export async function openMailbox(folder: string, listen: { host: string; port: number }): Promise<Mailbox> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    size: LARGEST,
    maxClients: 20,
    onRcptTo({ address }, _, done) {
      done(/@example\.vn$/i.test(address) ? null : Object.assign(new Error('not here'), { responseCode: 550 }))
    },
    async onData(stream, session, done) {
      done(await take(folder, stream, session.envelope.rcptTo[0]?.address ?? ''))
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  })
  return {
    list: () => listMails(folder),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Keeps a mail; answers what the server has to say instead of 250. */
async function take(folder: string, stream: SMTPServerDataStream, to: string): Promise<Error | undefined> {
  try {
    await keep(folder, to, await read(stream))
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error('unknown')
  }
}

async function read(stream: SMTPServerDataStream): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  if (stream.sizeExceeded) throw Object.assign(new Error('too large'), { responseCode: 552 })
  return Buffer.concat(parts)
}

async function keep(folder: string, to: string, raw: Buffer): Promise<void> {
  if ((await names(folder)).length >= MOST_MAILS) throw Object.assign(new Error('full'), { responseCode: 452 })
  const whole = Buffer.concat([Buffer.from(`X-Envelope-To: ${to}\r\n`), raw])
  // The instant keeps two mails of one text apart: a warning that came twice must be seen twice.
  const hash = createHash('sha256').update(whole).update(String(process.hrtime.bigint())).digest('hex').slice(0, 12)
  const path = join(folder, `${Date.now()}-${hash}.eml`)
  await using file = await open(`${path}.new`, 'wx', 0o600)
  await file.writeFile(whole)
  await file.sync()
  await rename(`${path}.new`, path)
  await using place = await open(folder)
  await place.sync()
}

const names = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => NAME.test(name)).toSorted()

/** The mails in a folder, newest first. */
export async function listMails(folder: string): Promise<readonly Kept[]> {
  const found: Kept[] = []
  for (const name of (await names(folder)).toReversed()) {
    const whole = await readFile(join(folder, name))
    const end = whole.indexOf('\r\n')
    found.push({
      id: name.slice(0, -4),
      to: whole.subarray('X-Envelope-To: '.length, end).toString('utf8'),
      raw: whole.subarray(end + 2),
    })
  }
  return found
}
