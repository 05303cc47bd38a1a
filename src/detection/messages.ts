import { catalogue } from '../kit/i18n.ts'

/** Our own rules by id, as people read them; a rule from elsewhere keeps its own title. */
export const detectionMessages = catalogue(
  {
    rules: {
      '6c0a2b1e-3f6d-4f0a-8a4b-0f7a6f1f2b90': 'Nhiều lượt bị từ chối từ một nguồn',
      'e8b1f3a7-6d2c-4b0f-a5e9-3f7c1d9b0e74': 'Đăng nhập được sau nhiều lần sai',
      'c1f5d3e2-90a4-4c6f-8c1a-91d4f8c2a633': 'Nhiều lần đăng nhập sai vào một tài khoản',
      '9d4e2c8b-7f1a-4b6d-9e0c-5a3f2b1c0d86': 'Một khóa dịch vụ đọc dữ liệu của rất nhiều người',
      '5c7e9a1b-3d5f-4b7d-9f1b-3d5f7b9d1fa8': 'Một khóa hỏi đi hỏi lại thứ không được đọc',
      '6d8f0b2c-4e6a-4c8e-a02c-4e6a8c0e2ab9': 'Người vận hành đăng nhập từ ngoài mạng của mình',
      '3a9d5e7f-1b2c-4d6e-8f90-a1b2c3d4e5f6': 'Log4Shell đòi máy của ta gọi ra ngoài',
      '52ec5b0f-7c0e-4f8c-9f05-5c31d1a8f6b1': 'Cổng từ chối một lượt',
      '0a5d8f6e-5ac8-4fd2-9c36-0c8b3f1f9f11': 'Đăng nhập sai',
      '7b9f6a0c-1f0e-4f42-b1b3-2d3fd1f3ab52': 'Đăng nhập được',
      '2f1b7c9d-4e3a-4d5b-8f6c-7a8b9c0d1e25': 'Khóa dịch vụ đọc dữ liệu cá nhân',
      '4b6d8f0a-2c4e-4a6c-8e0a-2c4e6a8c0e97': 'Một lượt đọc dữ liệu cá nhân bị từ chối',
    } as Record<string, string>,
    /** What a rule is for and what to do; English stands in the rule itself. */
    descriptions: {
      '3a9d5e7f-1b2c-4d6e-8f90-a1b2c3d4e5f6':
        'Một yêu cầu bị từ chối mang lệnh tra JNDI nêu tên một máy. Đó là máy điều khiển hoặc nơi tải mã độc: thiết bị nào trong mạng liên hệ với nó là đã nhiễm. Địa chỉ gửi yêu cầu chỉ là bên tấn công.',
      '52ec5b0f-7c0e-4f8c-9f05-5c31d1a8f6b1':
        'Một yêu cầu bị một luật của cổng từ chối. Yêu cầu chỉ bị quan sát thì không tính.',
      '6c0a2b1e-3f6d-4f0a-8a4b-0f7a6f1f2b90':
        'Một địa chỉ thử hết đòn này tới đòn khác. Người vô tình chạm luật thì chỉ vài lần là cùng.',
      '6d8f0b2c-4e6a-4c8e-a02c-4e6a8c0e2ab9':
        'Người vận hành làm việc từ mạng nội bộ; đăng nhập từ địa chỉ công cộng thì nên hỏi lại.',
      '0a5d8f6e-5ac8-4fd2-9c36-0c8b3f1f9f11': 'Một lần đăng nhập bị từ chối.',
      '7b9f6a0c-1f0e-4f42-b1b3-2d3fd1f3ab52': 'Một lần đăng nhập.',
      'c1f5d3e2-90a4-4c6f-8c1a-91d4f8c2a633': 'Có người đoán mật khẩu của một tài khoản, từ bất cứ đâu.',
      'e8b1f3a7-6d2c-4b0f-a5e9-3f7c1d9b0e74':
        'Mật khẩu của một tài khoản có lẽ đã bị đoán trúng. Hãy đóng các phiên của nó, rồi hỏi chủ tài khoản bằng đường khác.',
      '2f1b7c9d-4e3a-4d5b-8f6c-7a8b9c0d1e25': 'Một lượt đọc đúng luật bằng khóa dịch vụ.',
      '9d4e2c8b-7f1a-4b6d-9e0c-5a3f2b1c0d86':
        'Khóa dịch vụ bị lấy cắp, hoặc một chương trình đang chép kho. Đếm số người khác nhau, không đếm lượt đọc.',
      '4b6d8f0a-2c4e-4a6c-8e0a-2c4e6a8c0e97': 'Một lượt đọc không còn căn cứ, bất kể ai hỏi.',
      '5c7e9a1b-3d5f-4b7d-9f1b-3d5f7b9d1fa8':
        'Khóa rơi vào tay người khác đang thử xem mở được gì, hoặc một chương trình có mục đích đã mất căn cứ.',
    } as Record<string, string>,
    levels: {
      informational: 'để biết',
      low: 'thấp',
      medium: 'vừa',
      high: 'cao',
      critical: 'nghiêm trọng',
    },
  },
  {
    rules: {} as Record<string, string>,
    descriptions: {} as Record<string, string>,
    levels: { informational: 'for information', low: 'low', medium: 'medium', high: 'high', critical: 'critical' },
  },
)
