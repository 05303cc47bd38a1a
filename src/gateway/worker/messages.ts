import { catalogue } from '../../kit/i18n.ts'

export const messages = catalogue(
  {
    code: 'Mã yêu cầu',
    check: {
      title: 'Đang kiểm tra trình duyệt của bạn',
      text: 'Có quá nhiều lượt thử ở trang này nên máy của bạn cần tính một phép nhỏ trước khi đi tiếp. Bạn không phải làm gì, chỉ vài giây là xong.',
      wait: (seconds: number) =>
        `Trình duyệt này không chạy mã. Hãy đợi ${seconds} giây: trang sẽ tự mở lại, và nếu vừa gửi một biểu mẫu thì bạn điền lại một lần.`,
      cookies:
        'Trình duyệt này không giữ cookie nên không nhớ được là đã kiểm tra xong. Hãy bật cookie cho trang này rồi tải lại.',
      program: 'Hãy giải phép tính trong “check” rồi gửi lại yêu cầu kèm đầu mục Khien-Check, hoặc chờ.',
    },
    refused: {
      title: 'Yêu cầu này đã bị chặn',
      text: 'Một phần của yêu cầu trông giống một cuộc tấn công nên chưa được chuyển tới nơi cung cấp dịch vụ. Nếu bạn chỉ đang dùng trang như bình thường, hãy gửi mã dưới đây cho nơi cung cấp dịch vụ để được giúp.',
    },
    broken: {
      title: 'Không đọc được yêu cầu này',
      text: 'Hãy tải lại trang và thử lại. Nếu vẫn không được, hãy gửi mã dưới đây cho nơi cung cấp dịch vụ.',
    },
    tooMuch: {
      title: 'Yêu cầu quá lớn',
      text: 'Hãy gửi ít hơn, hoặc tệp nhỏ hơn. Nếu cần, hãy gửi mã dưới đây cho nơi cung cấp dịch vụ.',
    },
    tooOften: {
      title: 'Quá nhiều yêu cầu trong thời gian ngắn',
      text: 'Hãy chờ một lát rồi thử lại. Nếu vẫn không được, hãy gửi mã dưới đây cho nơi cung cấp dịch vụ.',
    },
    away: {
      title: 'Dịch vụ tạm thời chưa trả lời',
      text: 'Hãy thử lại sau ít phút. Nếu vẫn không được, hãy gửi mã dưới đây cho nơi cung cấp dịch vụ.',
    },
    unsupported: {
      title: 'Kiểu yêu cầu này không được hỗ trợ',
      text: 'Nếu bạn cần tính năng này, hãy gửi mã dưới đây cho nơi cung cấp dịch vụ.',
    },
  },
  {
    code: 'Request code',
    check: {
      title: 'Checking your browser',
      text: 'There have been too many attempts on this page, so your device works out a small sum before it goes on. You need not do anything; it takes a few seconds.',
      wait: (seconds: number) =>
        `This browser runs no scripts. Please wait ${seconds} seconds: the page loads again by itself, and if you had sent a form, fill it in once more.`,
      cookies:
        'This browser keeps no cookies, so it cannot remember that the check is done. Allow cookies for this site and load the page again.',
      program: 'Solve the sum in "check" and send the request again with the header Khien-Check, or wait.',
    },
    refused: {
      title: 'This request was stopped',
      text: 'Part of it looks like an attack, so it was not passed on. If you were only using the site as usual, give the request code to the people who run the site; they can help.',
    },
    broken: {
      title: 'This request could not be read',
      text: 'Reload the page and try again. If that does not help, give the request code to the people who run the site.',
    },
    tooMuch: {
      title: 'This request is too large',
      text: 'Send less, or a smaller file. If you need to, give the request code to the people who run the site.',
    },
    tooOften: {
      title: 'Too many requests in a short time',
      text: 'Wait a moment and try again. If that does not help, give the request code to the people who run the site.',
    },
    away: {
      title: 'The site is not answering right now',
      text: 'Try again in a few minutes. If that does not help, give the request code to the people who run the site.',
    },
    unsupported: {
      title: 'This kind of request is not supported',
      text: 'If you need it, give the request code to the people who run the site.',
    },
  },
)
