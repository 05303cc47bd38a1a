import { run } from 'node:test'
import type { TestEvent } from './test.ts'

/** The child of `khien test`: runs the files it is told over IPC and sends back what happened, one message an event. */
process.once('message', ({ files }: { readonly files: string[] }) => {
  const stream = run({ files, isolation: 'none' })
  const send = (event: TestEvent): void => void process.send?.(event)
  stream.on('test:fail', ({ name, file, line, details, skip, todo }) => {
    if (skip !== undefined || todo !== undefined) return
    const error = details.error
    // It failed because a test in it failed: that one is reported itself.
    if ('failureType' in error && error.failureType === 'subtestsFailed') return
    const cause: unknown = error.cause ?? error
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    send({ type: 'fail', name, file: file ?? '', line: line ?? 0, text })
  })
  stream.on('test:pass', ({ name, file, skip, todo }) => {
    const reason = skip ?? todo
    if (reason !== undefined && reason !== false)
      send({ type: 'skip', name, file: file ?? '', reason: typeof reason === 'string' ? reason : 'no reason given' })
  })
  stream.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo
    send({ type: 'counts', passed: counts.passed, failed, skipped: counts.skipped + counts.todo })
  })
  stream.resume()
})
