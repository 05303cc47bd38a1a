import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const CLIENT = join(import.meta.dirname, '../../clients/php/Khien.php')
const NEEDED = ['sodium', 'openssl', 'curl']

/** Why PHP's part cannot run here, or false. */
export const phpSkip: string | false = (() => {
  const said = spawnSync('php', ['-m'], { encoding: 'utf8' })
  if (said.status !== 0) return 'PHP is not installed (Debian: apt install php-cli php-curl)'
  const missing = NEEDED.filter((name) => !said.stdout.split('\n').includes(name))
  return missing.length > 0 && `PHP lacks ${missing.join(', ')} (Debian: apt install php-${missing.join(' php-')})`
})()

/** Runs lines of PHP behind the client; `$in` is the given value, what `$out` holds at the end comes back. */
export function php<T>(code: string, given: unknown = null): T {
  const program = `require ${JSON.stringify(CLIENT)}; $in = json_decode(stream_get_contents(STDIN), true); ${code} echo json_encode($out, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE);`
  const { status, stdout, stderr } = spawnSync('php', ['-d', 'display_errors=stderr', '-r', program], {
    input: JSON.stringify(given),
    encoding: 'utf8',
    timeout: 30_000,
  })
  if (status !== 0) throw new Error(`php: ${stdout}${stderr}`)
  return JSON.parse(stdout) as T
}
