import { mkdir } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, sep } from 'node:path'
import { badRequest, KhienError } from '../kit/errors.ts'
import { syncFolder } from '../storage/segments/index.ts'

export type TwoFolders = { readonly to: string; readonly keysTo: string }

/** Data and keys apart, and neither in the node's own folder. Errors: `backup/folders`. */
export function checkFolders({ to, keysTo }: TwoFolders, own: string): void {
  if (!isAbsolute(to) || !isAbsolute(keysTo))
    throw badRequest('backup/folders', 'The folders of a backup are named in full.', 'body.to')
  if (within(to, keysTo) || within(keysTo, to))
    throw badRequest(
      'backup/folders',
      'Data and keys go to two folders, neither inside the other: whoever finds one must not find the other.',
      'body.keysTo',
    )
  for (const at of [to, keysTo])
    if (within(at, own) || within(own, at))
      throw badRequest('backup/folders', `A backup does not lie inside the node's own folder ${own}.`, 'body.to')
}

const within = (inner: string, outer: string): boolean => {
  const way = relative(outer, inner)
  return way !== '..' && !way.startsWith(`..${sep}`)
}

/** Makes the folders and, in the one of the data, that of this backup while it is half. Errors: `backup/folders`. */
export async function makeFolders({ to, keysTo }: TwoFolders, id: string): Promise<string> {
  const staging = join(to, halfName(id))
  try {
    for (const folder of [to, keysTo]) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await syncFolder(dirname(folder))
    }
    await mkdir(staging, { mode: 0o700 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new KhienError('backup/folders', `The folders for the backup cannot be written (${code ?? 'failed'}).`, {
      status: 400,
      cause,
    })
  }
  return staging
}

/** A name that is never taken for a whole backup. */
export const halfName = (name: string): string => `.making-${name}`
