"""Operations on images: decoding, resizing, augmentation."""
