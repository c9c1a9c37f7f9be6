#include "artemis/serve/picture_loader.h"

#include "artemis/io/base64.h"
#include "artemis/serve/api_error.h"
#include "artemis/serve/data_url.h"
#include "artemis/serve/picture_file.h"
#include "artemis/serve/secrets.h"

namespace artemis {

EnginePicture PictureLoader::load(const PictureUrl& url, Patience& patience) const {
  patience.check();
  try {
    const PictureFile file{read(url, patience), url.place};
    ThreadPool here(1);  // several requests are prepared at once, each on its own thread
    return {processor_.preprocess(std::span(&file, 1), here), sha256(file.bytes)};
  } catch (const PictureTooLarge& error) {
    throw ApiError(413, message_without_place(error), url.place, "picture_too_large");
  } catch (const TooLargeError& error) {
    throw ApiError(413, message_without_place(error), url.place, "picture_too_large");
  } catch (const ApiError&) {
    throw;
  } catch (const Error& error) {
    patience.check();
    throw refused_request(error, url.place, "invalid_picture");
  }
}

std::string PictureLoader::read(const PictureUrl& url, Patience& patience) const {
  if (is_data_url(url.url)) {
    const std::vector<std::byte> bytes = parse_data_url(url.url, url.place, most_bytes).bytes;
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  if (!folders_.empty() && is_file_url(url.url))
    return read_picture_file(url.url, url.place, folders_, most_bytes);
  if (fetching_.hosts.empty()) {
    throw ApiError(400,
                   fmt::format("Only data:{} URLs are taken here; this server fetches no pictures.",
                               folders_.empty() ? "" : " and file:"),
                   url.place, "invalid_picture_url");
  }
  return patience.fetch([&](double seconds) {
    FetchOptions options = fetching_;
    options.most_bytes = most_bytes;
    options.seconds = seconds;
    return fetch_picture(url.url, url.place, options);
  });
}

}  // namespace artemis
