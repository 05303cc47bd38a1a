import type { Problem } from '../kit/errors.ts'
import { catalogue, inLanguage, type Language } from '../kit/i18n.ts'
import { citizenPage, html, htmlResponse } from './html.ts'

const words = catalogue(
  {
    sealed: 'Hệ thống đang niêm phong',
    signIn: 'Bạn cần đăng nhập',
    notAllowed: 'Bạn không được phép làm việc này',
    notFound: 'Không có trang này',
    gone: 'Liên kết đã dùng hoặc hết hạn',
    signInLink: 'Đăng nhập',
    wrong: 'Yêu cầu chưa đúng',
    failed: 'Có lỗi trong hệ thống',
    code: 'Mã yêu cầu',
    home: 'Về trang đầu',
    sentences: {
      sealed: 'Khóa của hệ thống chưa được đưa vào. Hãy thử lại sau ít phút.',
      'identity/sign-in': 'Phiên của bạn chưa mở hoặc đã hết hạn.',
      'identity/not-allowed': 'Vai trò của bạn không cho phép xem hoặc làm việc này.',
      'http/not-found': 'Địa chỉ này không có gì.',
      'http/foreign-origin': 'Yêu cầu không đến từ trang của chúng tôi nên không được thực hiện.',
      'http/invalid': 'Có ô chưa được điền đúng. Hãy quay lại trang trước, điền lại rồi gửi.',
      'identity/link-spent':
        'Mỗi liên kết chỉ mở được một lần và trong thời gian ngắn. Hãy xin liên kết mới ở nơi bạn đã nhận nó.',
      internal: 'Hãy gửi mã yêu cầu cho người quản trị.',
    } as Record<string, string>,
  },
  {
    sealed: 'This system is sealed',
    signIn: 'You need to sign in',
    notAllowed: 'You are not allowed to do this',
    notFound: 'There is no such page',
    gone: 'The link was used or has expired',
    signInLink: 'Sign in',
    wrong: 'Something in the request is not right',
    failed: 'Something failed in the system',
    code: 'Request id',
    home: 'To the front page',
    sentences: {
      'identity/sign-in': 'Your visit has not begun or has ended.',
      'http/invalid': 'A field is not filled in as it should be. Go back, correct it and send it again.',
      'identity/link-spent': 'Each link opens once and for a short time. Ask for a new one where you got it.',
    } as Record<string, string>,
  },
)

/** A problem as a page: what happened, what to do, and the id to quote. */
export async function errorPage(
  problem: Problem,
  language: Language,
  controller: string,
  /** Where to sign in, on a listener where one can. */
  signIn?: string,
): Promise<Response> {
  const m = inLanguage(words, language)
  const title =
    problem.code === 'sealed'
      ? m.sealed
      : problem.status === 401
        ? m.signIn
        : problem.status === 403
          ? m.notAllowed
          : problem.status === 404
            ? m.notFound
            : problem.status === 410
              ? m.gone
              : problem.status < 500
                ? m.wrong
                : m.failed
  const body = html`<div class="ans">
      <h1>${title}</h1>
      <p class="lead">${m.sentences[problem.code] ?? problem.detail}</p>
    </div>
    <p class="small">${m.code}: <span class="mono">${problem.requestId ?? ''}</span></p>
    <p class="row">
      ${problem.status === 401 && signIn ? html`<a class="btn go" href="${signIn}">${m.signInLink}</a>` : ''}<a
        class="btn"
        href="/"
        >${m.home}</a
      >
    </p>`
  return htmlResponse(citizenPage({ language, controller, title, path: '', body }), problem.status)
}
