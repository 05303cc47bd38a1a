import { isHttp2, wireOf, type Req, type Res } from './asked.ts'

/** What of an answer the client's connection has not taken yet, bytes. */
const unread = (req: Req, res: Res): number =>
  isHttp2(res) ? (res.stream?.writableLength ?? 0) : res.writableLength + (wireOf(req)?.writableLength ?? 0)

export type StallWatch = {
  begin(): void
  clear(): void
  /** All is written; is it also read? */
  finish(): void
}

/** Watches one answer: a client that takes nothing for `ms` is cut off. What is held for it meanwhile is one chunk and a socket's buffer. */
export function stallWatch(req: Req, res: Res, ms: number, stalled: () => void): StallWatch {
  let timer: NodeJS.Timeout | undefined
  const end = (): void => {
    stalled()
    if (isHttp2(res)) res.stream?.close(8)
    else wireOf(req)?.destroy()
  }
  const clear = (): void => {
    clearTimeout(timer)
    timer = undefined
  }
  return {
    begin(): void {
      timer ??= setTimeout(end, ms)
    },
    clear,
    finish(): void {
      if (res.writableFinished || unread(req, res) === 0) return
      timer ??= setTimeout(end, ms)
      res.once('finish', clear).once('close', clear)
    },
  }
}
