import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Limits } from './limits.ts'

const ENHANCE_YOUR_CALM = 0xb
const STREAMS = 100

/** What HTTP/2 connections may ask of us (RFC 9113 §6.5.2, §10.5). nghttp2 counts frames that are wrong by itself. */
export const http2Settings = (limits: Limits) => ({
  settings: {
    maxConcurrentStreams: STREAMS,
    initialWindowSize: 65_535,
    maxHeaderListSize: limits.headBytes,
    enablePush: false,
  },
  maxSessionInvalidFrames: 50,
  maxSessionRejectedStreams: 50,
  maxSettings: 16,
  maxOutstandingPings: 4,
  maxHeaderListPairs: limits.headers + 8,
  maxSessionMemory: 4,
  streamResetBurst: limits.resets,
  streamResetRate: 20,
  unknownProtocolTimeout: 5_000,
})

/**
 * Ends a connection whose client opens streams only to have them end early, by its own reset (CVE-2023-44487) or by making us reset
 * (CVE-2025-8671), and one that sends control frames without end (CVE-2019-9512, 9515).
 */
export function guardSession(
  session: ServerHttp2Session,
  limits: Limits,
  count: { reset(): void; flood(): void },
): void {
  let early = 0
  let since = Date.now()
  let frames = 0
  let second = 0
  const end = (): void => {
    if (session.destroyed) return
    count.flood()
    session.goaway(ENHANCE_YOUR_CALM)
    session.destroy()
  }
  let streams = 0
  session.on('stream', (stream: ServerHttp2Stream) => {
    streams++
    stream.once('close', () => {
      // A timer that has run out while a stream was open begins anew.
      if (--streams === 0 && !session.destroyed) session.setTimeout(limits.idleMs)
      if (stream.rstCode === 0) return
      count.reset()
      const now = Date.now()
      early = Math.max(0, early - (now - since) / 50) + 1
      since = now
      if (early > limits.resets) end()
    })
  })
  const control = (): void => {
    const now = Math.floor(Date.now() / 1_000)
    if (now !== second) frames = 0
    second = now
    if (++frames > limits.controlFrames) end()
  }
  session.on('ping', control).on('remoteSettings', control)
  session.on('error', () => session.destroy())
  session.setTimeout(limits.idleMs)
  session.on('timeout', () => {
    // Streams have times of their own: for their body, the application's answer, and for reading it.
    if (streams > 0) return
    session.close()
    setTimeout(() => session.destroy(), limits.drainMs).unref()
  })
}
