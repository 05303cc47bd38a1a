import { Worker } from 'node:worker_threads'
import type { SlowTask } from './slow-thread.ts'

type Waiting = { resolve(right: boolean): void; reject(error: Error): void }
type Thread = { readonly worker: Worker; readonly waiting: Map<number, Waiting> }

/** Threads for hashes that node:crypto does not know; each begun when there is work for it, and anew when it breaks. */
export class SlowHashes implements AsyncDisposable {
  private readonly threads: Thread[] = []
  private readonly most: number
  private last = 0

  constructor(most = 1) {
    this.most = most
  }

  check(scheme: SlowTask['scheme'], text: string, password: string): Promise<boolean> {
    const { worker, waiting } = this.leastBusy()
    const id = ++this.last
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, scheme, text, password } satisfies SlowTask, [])
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()))
  }

  private leastBusy(): Thread {
    const idle = this.threads.find(({ waiting }) => waiting.size === 0)
    if (idle) return idle
    if (this.threads.length < this.most) return this.begin()
    return this.threads.reduce((least, one) => (one.waiting.size < least.waiting.size ? one : least))
  }

  private begin(): Thread {
    const worker = new Worker(new URL('./slow-thread.ts', import.meta.url))
    const waiting = new Map<number, Waiting>()
    const thread = { worker, waiting }
    this.threads.push(thread)
    worker.unref()
    worker.on('message', ({ id, right }: { id: number; right: boolean }) => {
      waiting.get(id)?.resolve(right)
      waiting.delete(id)
    })
    const end = (error: Error): void => {
      const at = this.threads.indexOf(thread)
      if (at >= 0) this.threads.splice(at, 1)
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    worker.on('error', end)
    worker.on('exit', () => end(new Error('the thread of slow hashes ended')))
    return thread
  }
}
