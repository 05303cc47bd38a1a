import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqlite } from '../storage/sql/index.ts'
import type { SubscriberTables } from './store.ts'
import { letterbox } from './testing.ts'

const PEOPLE = 60
const KILLS = 10
/** The outbox hands over so many of one topic at a time. */
const AT_ONCE = 4
/** Beyond the lease of an event that died with its process. */
const A_LIFE_MS = 120_000

async function kill(one: ChildProcess): Promise<void> {
  if (one.exitCode !== null || one.signalCode !== null) return
  const gone = once(one, 'exit')
  one.kill('SIGKILL')
  await gone
}

test('kill -9 while warnings are sent: one mail each or held in doubt, never two', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-subscribers-'))
  // Slow to say 250, so that some die between the mail and the answer.
  await using box = await letterbox({
    onData(stream, session, done) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        const text = Buffer.concat(parts).toString('latin1')
        const id = /^Message-ID: <([^>]+)>/im.exec(text)![1]!
        box.got.push({ to: session.envelope.rcptTo[0]!.address, text, id })
        setTimeout(done, 12)
      })
    },
  })
  let child: ChildProcess | undefined
  let kills = 0
  try {
    for (let life = 0; ; life++) {
      assert.ok(life < 40, 'it never comes to an end')
      const args = [folder, String(box.port), String(PEOPLE), String(life * A_LIFE_MS)]
      child = fork(join(import.meta.dirname, 'crash-child.ts'), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      assert.equal((await once(child, 'message'))[0], 'ready')
      const done = once(child, 'message').then(
        () => true,
        () => false,
      )
      if (kills < KILLS) {
        const ended = await Promise.race([done, sleep(20 + Math.random() * 130, false)])
        await kill(child)
        if (!ended) kills++
        else if (kills < KILLS) break
      } else {
        assert.ok(await done)
        await kill(child)
        break
      }
    }
    await using db = openSqlite(join(folder, 'control.db'))
    const rows = db.tables<SubscriberTables>()
    const infections = await rows.selectFrom('infection').selectAll().execute()
    const notices = await rows.selectFrom('subscriber_notice').selectAll().execute()
    assert.equal(kills, KILLS, 'too few kills came before the end')
    assert.deepEqual([infections.length, notices.length], [PEOPLE, PEOPLE])
    const mails = Map.groupBy(box.got, (mail) => mail.to)
    assert.deepEqual(
      [...mails.values()].filter((all) => all.length > 1),
      [],
      'somebody was warned twice',
    )
    assert.equal(new Set(box.got.map((mail) => mail.id)).size, box.got.length)
    let held = 0
    for (const notice of notices) {
      const arrived = box.got.filter((mail) => mail.id.startsWith(notice.id.toLowerCase())).length
      if (notice.state === 'sent') assert.equal(arrived, 1, notice.id)
      else {
        assert.deepEqual([notice.state, notice.why], ['held', 'in-doubt'], notice.id)
        held++
        assert.ok(arrived <= 1)
      }
    }
    t.diagnostic(`${kills} kills, ${box.got.length} mails, ${held} in doubt`)
    assert.ok(held <= kills * AT_ONCE)
    assert.ok(infections.every((one) => one.sightings === 1))
  } finally {
    if (child) await kill(child)
    rmSync(folder, { recursive: true, force: true })
  }
})
