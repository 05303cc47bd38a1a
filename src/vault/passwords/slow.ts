import { Worker } from 'node:worker_threads'
import type { SlowTask } from './slow-thread.ts'

/** A thread for hashes that node:crypto does not know; begun when the first one comes, and anew when it breaks. */
export class SlowHashes implements AsyncDisposable {
  private worker: Worker | undefined
  private readonly waiting = new Map<number, { resolve(right: boolean): void; reject(error: Error): void }>()
  private last = 0

  check(scheme: SlowTask['scheme'], text: string, password: string): Promise<boolean> {
    const worker = (this.worker ??= this.begin())
    const id = ++this.last
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      worker.postMessage({ id, scheme, text, password } satisfies SlowTask, [])
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker?.terminate()
  }

  private begin(): Worker {
    const worker = new Worker(new URL('./slow-thread.ts', import.meta.url))
    worker.unref()
    worker.on('message', ({ id, right }: { id: number; right: boolean }) => {
      this.waiting.get(id)?.resolve(right)
      this.waiting.delete(id)
    })
    const end = (error: Error): void => {
      if (this.worker === worker) this.worker = undefined
      for (const { reject } of this.waiting.values()) reject(error)
      this.waiting.clear()
    }
    worker.on('error', end)
    worker.on('exit', () => end(new Error('the thread of slow hashes ended')))
    return worker
  }
}
