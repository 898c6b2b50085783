"""Operations on sound: decoding, resampling, windows, augmentation; tables of files."""
