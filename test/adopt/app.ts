import { openSource, words, type Session, type Source } from '../../src/source/index.ts'

/** A database as an app meets it: the server's own isolation, and waits as long as the server's defaults let a statement wait. */
export async function openAsApp(url: string): Promise<Source> {
  const source = await openSource(url)
  const patience =
    source.kind === 'postgres'
      ? ['reset lock_timeout', 'begin']
      : ['set session innodb_lock_wait_timeout = 50, session lock_wait_timeout = 86400', 'start transaction']
  return {
    ...source,
    write: <T>(work: (session: Session) => Promise<T>): Promise<T> =>
      source.alone(async (session) => {
        for (const statement of patience) await session.run(words(statement))
        try {
          const result = await work(session)
          await session.run(words('commit'))
          return result
        } catch (error) {
          await session.run(words('rollback')).catch(() => 0)
          throw error
        }
      }),
  }
}
