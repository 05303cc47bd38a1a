import { run } from 'node:test'
import type { TestEvent } from './test.ts'

/** The child of `khien test`: runs the files it is told over IPC and sends back what happened, one message an event. */
type Order = { readonly files: string[]; readonly isolation: 'none' | 'process'; readonly cwd: string }

/** One test may take so long; a journey with a browser on a slow machine is the longest. */
const TIMEOUT_MS = 420_000

process.once('message', (order: Order) => {
  const { files, isolation } = order
  const stream = run(
    isolation === 'none' ? { files, isolation } : { files, isolation, concurrency: 2, timeout: TIMEOUT_MS },
  )
  const send = (event: TestEvent): void => void process.send?.(event)
  stream.on('test:fail', ({ name, file, line, details, skip, todo }) => {
    if (skip !== undefined || todo !== undefined) return
    const error = details.error
    // A suite fails because a test in it failed: that one is reported itself.
    if (details.type === 'suite' && byItsTests(error)) return
    const cause: unknown = error.cause ?? error
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    send({
      type: 'fail',
      name,
      file: file ?? '',
      line: line ?? 0,
      text,
      subtests: byItsTests(error),
    })
  })
  stream.on('test:pass', ({ name, file, skip, todo }) => {
    const reason = skip ?? todo
    if (reason !== undefined && reason !== false)
      send({ type: 'skip', name, file: file ?? '', reason: typeof reason === 'string' ? reason : 'no reason given' })
  })
  stream.on('test:stderr', ({ file, message }) => send({ type: 'noise', file, message }))
  stream.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo
    send({ type: 'counts', passed: counts.passed, failed, skipped: counts.skipped + counts.todo })
  })
  stream.on('end', () => process.disconnect())
  stream.resume()
})

const byItsTests = (error: Error): boolean => 'failureType' in error && error.failureType === 'subtestsFailed'
