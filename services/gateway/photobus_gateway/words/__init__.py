"""What happened, in words: each event of the log as one sentence. Pure: the same event always says the same.

``sentence(data)`` tells of the whole event, ``sentence_of_photo(data)`` of one photo in its own history, where ``data``
holds no other and the photo need not be named.
"""

from photobus_gateway.words.table import SENTENCES, SENTENCES_OF_PHOTO, sentence, sentence_of_photo

__all__ = ["SENTENCES", "SENTENCES_OF_PHOTO", "sentence", "sentence_of_photo"]
